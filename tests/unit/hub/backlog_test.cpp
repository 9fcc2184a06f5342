#include "jobcast/hub/backlog.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace jobcast::hub;

namespace {

event_ptr numbered(std::size_t n) {
  return event::raw(std::to_string(n));
}

} // namespace

TEST_CASE("a backlog gives its events in the order they came, however many come meanwhile") {
  backlog b;
  std::size_t in = 0, out = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 7; ++i)
      b.push(numbered(in++));
    for (int i = 0; i < 5; ++i) {
      CHECK(b.at(0)->sse() == std::to_string(out++));
      b.pop();
    }
  }
  CHECK(b.size() == in - out);
  CHECK(b.at(b.size() - 1)->sse() == std::to_string(in - 1));
  while (!b.empty()) {
    REQUIRE(b.at(0)->sse() == std::to_string(out++));
    b.pop();
  }
  CHECK(out == in);
}

TEST_CASE("a backlog that is done with is used again, as good as new, until it was not needed for a while") {
  spare_backlogs spare;
  auto used = spare.take();
  auto* const first = used.get();
  used->push(numbered(1));
  used->bytes = 1;
  used->skipped = 3;
  spare.give_back(std::move(used));
  auto again = spare.take();
  CHECK(again.get() == first);
  CHECK(again->empty());
  CHECK(again->bytes == 0);
  CHECK(again->skipped == 0);
  spare.give_back(std::move(again));
  spare.trim(); // it was needed since the beginning
  CHECK(spare.count() == 1);
  spare.trim();
  CHECK(spare.count() == 0);
}
