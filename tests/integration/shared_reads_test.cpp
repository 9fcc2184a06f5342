#include "jobcast/store/shared_reads.hpp"

#include "jobcast/base/settings.hpp"
#include "jobcast/store/library.hpp"
#include "loop.hpp"
#include "redis_server.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <vector>

using namespace jobcast;
using test::run_until;

namespace {

/// A Redis with the function library, and reads of its records.
class reading {
 public:
  reading()
      : client_(io_.get_executor(), server_.unix_socket(), test::quick())
      , store_(client_, "jobcast")
      , reads_(io_.get_executor(), store_) {
    client_.start();
    REQUIRE(run_until(io_, [&] { return client_.connected(); }));
    bool installed = false;
    asio::co_spawn(io_, store::install_library(client_, "jobcast"),
                   [&](std::exception_ptr, boost::system::result<void, store::library_failure> done) {
                     installed = done.has_value();
                   });
    REQUIRE(run_until(io_, [&] { return installed; }));
  }

  std::string ask(std::initializer_list<std::string_view> arguments) {
    std::optional<std::string> answer;
    client_.call(arguments, [&](error_code ec, redis::reply_view reply) {
      answer = ec ? ec.message() : std::string(reply.is_array() ? reply[0].text() : reply.text());
    });
    REQUIRE(run_until(io_, [&] { return answer.has_value(); }));
    return *answer;
  }
  void report(std::string_view id, std::initializer_list<std::string_view> fields) {
    std::vector<std::string_view> all{"FCALL", "jobcast_report", "1", "jobcast", id};
    all.insert(all.end(), fields.begin(), fields.end());
    std::optional<std::string> answer;
    client_.call(all, [&](error_code, redis::reply_view reply) { answer = reply[0].text(); });
    REQUIRE(run_until(io_, [&] { return answer.has_value(); }));
    REQUIRE(*answer == "ok");
  }

  /// All are asked for in one turn. What came of each: its version, "none", or the failure's detail.
  std::vector<std::string> get(const std::vector<std::string>& ids, const std::string& scope = {}) {
    std::vector<std::string> out(ids.size());
    std::size_t done = 0;
    for (std::size_t i = 0; i < ids.size(); ++i)
      asio::co_spawn(io_, reads_.get(ids[i], scope),
                     [&, i](std::exception_ptr, store::result<store::shared_reads::found> found) {
                       out[i] = !found    ? found.error().detail
                                : !*found ? "none"
                                          : std::string((*found)->id()) + " " + std::to_string((*found)->version);
                       ++done;
                     });
    REQUIRE(run_until(io_, [&] { return done == ids.size(); }));
    return out;
  }
  /// Calls of functions since the last time.
  std::string calls() {
    std::string const all = ask({"INFO", "commandstats"});
    constexpr std::string_view mark = "cmdstat_fcall:calls=";
    auto const at = all.find(mark);
    std::string const count =
        at == std::string::npos ? "0" : all.substr(at + mark.size(), all.find(',', at) - at - mark.size());
    ask({"CONFIG", "RESETSTAT"});
    return count;
  }
  void stop_redis() {
    server_.kill();
    REQUIRE(run_until(io_, [&] { return !client_.connected(); }));
  }

 private:
  test::redis_server server_;
  asio::io_context io_{1};
  redis::client client_;
  store::store store_;
  store::shared_reads reads_;
};

} // namespace

TEST_CASE("what is asked for in one turn is one call, and a job that many ask for is read once") {
  reading r;
  r.report("a", {"percent", "10"});
  r.report("b", {"percent", "10"});
  r.report("b", {"percent", "20"});
  r.calls();
  CHECK(r.get({"a", "b", "a", "nowhere", "a"}) == std::vector<std::string>{"a 1", "b 2", "a 1", "none", "a 1"});
  CHECK(r.calls() == "1");
  CHECK(r.get({"a"}) == std::vector<std::string>{"a 1"});
  CHECK(r.calls() == "1");
}

TEST_CASE("more than a hundred are read in parts") {
  reading r;
  r.report("a", {"percent", "10"});
  std::vector<std::string> ids{"a"};
  for (int i = 0; i < 250; ++i)
    ids.push_back("n" + std::to_string(i));
  r.calls();
  auto const found = r.get(ids);
  CHECK(found.front() == "a 1");
  CHECK(std::count(found.begin(), found.end(), "none") == 250);
  CHECK(r.calls() == "3");
}

TEST_CASE("a read with a scope sees that owner's jobs alone") {
  reading r;
  r.report("hers", {"owner", "ada", "percent", "10"});
  r.report("his", {"owner", "bob", "percent", "10"});
  CHECK(r.get({"hers", "his"}, "/ada") == std::vector<std::string>{"hers 1", "none"});
  CHECK(r.get({"hers", "his"}) == std::vector<std::string>{"hers 1", "his 1"});
}

TEST_CASE("what makes Redis refuse a call fails for who asked for it alone") {
  reading r;
  r.report("a", {"percent", "10"});
  auto const found = r.get({"a", "not an id", "b"});
  CHECK(found[0] == "a 1");
  CHECK(found[1].find("A-Z") != std::string::npos);
  CHECK(found[2] == "none");
}

TEST_CASE("without Redis every reader is told so") {
  reading r;
  r.stop_redis();
  CHECK(r.get({"a", "b"}) == std::vector<std::string>(2, "no connection to Redis"));
}

TEST_CASE("what is nobody's fault is not asked for again one by one") {
  reading r;
  r.ask({"FUNCTION", "FLUSH"});
  r.calls();
  auto const found = r.get({"a", "b", "c"});
  CHECK(found == std::vector<std::string>(3, found.front()));
  CHECK(found.front().find("unction not found") != std::string::npos);
  CHECK(r.calls() == "1");
}
