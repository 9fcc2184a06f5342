#include "jobcast/store/ingest.hpp"

#include "jobcast/base/settings.hpp"
#include "jobcast/store/library.hpp"
#include "loop.hpp"
#include "redis_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>
#include <optional>
#include <string>

using namespace jobcast;
using namespace std::chrono_literals;
using test::run_until;

namespace {

/// A gateway's ingest that has the lease, and room for few reports.
class ingesting {
 public:
  ingesting()
      : client_(io.get_executor(), server_.unix_socket(), test::quick())
      , ingest(io.get_executor(), server_.unix_socket(), client_, "jobcast", "gateway", counters,
               {.progress = 20'000, .all = 40'000}) {
    client_.start();
    REQUIRE(run_until(io, [&] { return client_.connected(); }));
    bool installed = false;
    asio::co_spawn(io, store::install_library(client_, "jobcast"),
                   [&](std::exception_ptr, boost::system::result<void, store::library_failure> done) {
                     installed = done.has_value();
                   });
    REQUIRE(run_until(io, [&] { return installed; }));
    ingest.start();
    REQUIRE(run_until(io, [&] { return ask({"PUBSUB", "NUMPAT"}) == 1; }));
  }

  std::int64_t ask(std::initializer_list<std::string_view> arguments) {
    std::optional<std::int64_t> answer;
    client_.call(arguments, [&](error_code, redis::reply_view reply) { answer = reply.integer(); });
    REQUIRE(run_until(io, [&] { return answer.has_value(); }));
    return *answer;
  }
  /// All at once, of as many jobs.
  void publish(int count, const std::string& payload) {
    for (int i = 0; i < count; ++i)
      client_.call({"PUBLISH", "jobcast:report:j" + std::to_string(i), payload}, [](error_code, redis::reply_view) {});
  }
  std::uint64_t told_of() const {
    return counters.ingest_applied.get() + counters.ingest_replaced.get() + counters.ingest_shed.get() +
           counters.ingest_refused.get();
  }

 private:
  test::redis_server server_;

 public:
  asio::io_context io{1};
  metrics::counters counters;

 private:
  redis::client client_;

 public:
  store::ingest ingest;
};

} // namespace

TEST_CASE("more outcomes than there is room for are applied, one and all") {
  ingesting i;
  i.publish(5'000, R"({"status":"done"})");
  REQUIRE(run_until(i.io, [&] { return i.told_of() == 5'000; }));
  CHECK(i.counters.ingest_applied.get() == 5'000);
  CHECK(i.counters.ingest_waiting.get() == 0);
  CHECK(i.ingest.holding());
}

TEST_CASE("progress for which there is no room is counted, and outcomes behind it are applied") {
  ingesting i;
  i.publish(5'000, R"({"percent":1})");
  i.publish(500, R"({"status":"done"})");
  REQUIRE(run_until(i.io, [&] { return i.told_of() == 5'500; }));
  CHECK(i.counters.ingest_shed.get() > 0);
  CHECK(i.counters.ingest_refused.get() == 0);
  CHECK(i.ask({"EVAL",
               "local n = 0 for i = 0, 499 do "
               "if redis.call('HGET', 'jobcast:job:j' .. i, 'status') == 'done' then n = n + 1 end end return n",
               "0"}) == 500);
}

TEST_CASE("reports that are none are counted, as many as come") {
  ingesting i;
  i.publish(5'000, "nonsense");
  REQUIRE(run_until(i.io, [&] { return i.told_of() == 5'000; }));
  CHECK(i.counters.ingest_refused.get() == 5'000);
  CHECK(i.ask({"XLEN", "jobcast:refused"}) > 0);
}

TEST_CASE("a cut by Redis is counted, and what is published afterwards is applied") {
  ingesting i;
  i.ask({"CLIENT", "KILL", "TYPE", "pubsub"});
  REQUIRE(run_until(i.io, [&] { return i.counters.ingest_interrupted.get() == 1; }));
  REQUIRE(run_until(i.io, [&] { return i.ask({"PUBSUB", "NUMPAT"}) == 1; }));
  i.publish(10, R"({"status":"done"})");
  REQUIRE(run_until(i.io, [&] { return i.counters.ingest_applied.get() == 10; }));
}

TEST_CASE("what waits when the gateway ends is applied first") {
  ingesting i;
  i.publish(1'000, R"({"status":"done"})");
  REQUIRE(run_until(i.io, [&] { return i.counters.ingest_waiting.get() > 0; }));
  auto const waiting = i.counters.ingest_waiting.get();
  i.ingest.stop();
  CHECK_FALSE(i.ingest.released());
  REQUIRE(run_until(i.io, [&] { return i.ingest.released(); }));
  CHECK(i.counters.ingest_applied.get() >= waiting);
}
