#include "jobcast/store/report_queue.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace jobcast;
using store::report_queue;
using fate = store::report_queue::fate;
using fields = store::arguments;

namespace {

// What waits, in order: "<id> <last value>", joined by commas.
std::string rest(report_queue& queue) {
  std::string out;
  while (!queue.empty()) {
    auto const r = queue.take();
    out += (out.empty() ? "" : ",") + r.id + " " + r.fields.back();
  }
  CHECK(queue.bytes() == 0);
  return out;
}

} // namespace

TEST_CASE("newer progress of a job takes the place of older that waits") {
  report_queue queue({});
  CHECK(queue.offer("a", {"status", "processing", "percent", "1"}) == fate::waits);
  CHECK(queue.offer("b", {"percent", "1"}) == fate::waits);
  CHECK(queue.offer("a", {"percent", "2", "status", "processing"}) == fate::replaces);
  CHECK(queue.offer("b", {"message", "x", "percent", "2"}) == fate::replaces);
  CHECK(queue.size() == 2);
  CHECK(rest(queue) == "a processing,b 2");
}

TEST_CASE("progress that says something the newer does not, or is of another attempt, is kept") {
  report_queue queue({});
  queue.offer("a", {"status", "processing", "percent", "1"});
  CHECK(queue.offer("a", {"percent", "2"}) == fate::waits);
  CHECK(queue.offer("a", {"percent", "3"}) == fate::replaces);
  CHECK(queue.offer("a", {"attempt", "2", "percent", "4"}) == fate::waits);
  CHECK(queue.offer("a", {"attempt", "3", "percent", "5"}) == fate::waits);
  CHECK(queue.offer("a", {"percent", "6"}) == fate::waits);
  CHECK(rest(queue) == "a 1,a 3,a 4,a 5,a 6");
}

TEST_CASE("outcomes and what says more than progress are never replaced, and keep their place") {
  report_queue queue({});
  for (const fields& each : {fields{"status", "done"}, fields{"percent", "1"}, fields{"status", "failed"},
                             fields{"labels.file", "x"}, fields{"labels.file", "y"}, fields{"owner", "ada"}})
    CHECK(queue.offer("a", each) == fate::waits);
  CHECK(queue.offer("a", {"percent", "2"}) == fate::waits);
  CHECK(rest(queue) == "a done,a 1,a failed,a x,a y,a ada,a 2");
}

TEST_CASE("what was taken is not replaced any more") {
  report_queue queue({});
  queue.offer("a", {"percent", "1"});
  queue.take();
  CHECK(queue.offer("a", {"percent", "2"}) == fate::waits);
  CHECK(rest(queue) == "a 2");
}

TEST_CASE("where many wait progress is shed, and outcomes are taken until nothing more should be read") {
  report_queue queue({.progress = 2'000, .all = 4'000});
  unsigned progress = 0, outcomes = 0;
  while (queue.offer("p" + std::to_string(progress), {"percent", "1"}) == fate::waits)
    ++progress;
  CHECK(progress > 2);
  CHECK_FALSE(queue.roomy());
  CHECK_FALSE(queue.full());
  CHECK(queue.offer("p0", {"percent", "2"}) == fate::replaces);
  while (!queue.full())
    CHECK(queue.offer("o" + std::to_string(outcomes++), {"status", "done"}) == fate::waits);
  CHECK(outcomes > 2);
  while (!queue.roomy())
    queue.take();
  CHECK(queue.offer("q", {"percent", "1"}) == fate::waits);
}

TEST_CASE("what is put back is the oldest again, before newer reports of its job") {
  report_queue queue({});
  queue.offer("a", {"status", "done"});
  queue.offer("b", {"percent", "1"});
  auto first = queue.take();
  auto second = queue.take();
  queue.offer("a", {"status", "failed"});
  queue.put_back(std::move(second));
  queue.put_back(std::move(first));
  CHECK(queue.offer("b", {"percent", "2"}) == fate::replaces);
  CHECK(rest(queue) == "a done,b 2,a failed");
}

TEST_CASE("a final status is an outcome") {
  CHECK(store::is_outcome({"percent", "1", "status", "failed"}));
  CHECK_FALSE(store::is_outcome({"status", "retrying"}));
  CHECK_FALSE(store::is_outcome({"message", "done"}));
}

TEST_CASE("a smaller percent, or another message than one of several lines, takes no place") {
  report_queue queue({});
  queue.offer("a", {"percent", "80"});
  CHECK(queue.offer("a", {"percent", "30"}) == fate::waits);
  queue.offer("b", {"message", "Traceback\n  line 1"});
  CHECK(queue.offer("b", {"message", "going on"}) == fate::waits);
  CHECK(queue.offer("b", {"message", "still"}) == fate::replaces);
}
