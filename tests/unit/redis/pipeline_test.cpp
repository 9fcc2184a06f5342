#include "jobcast/redis/pipeline.hpp"
#include "replies.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace jobcast;
using redis::errc;
using redis::pipeline;

namespace {

struct outcomes {
  redis::client::handler note(std::string name) {
    return [this, name](error_code ec, redis::reply_view reply) {
      all.push_back(name + ": " + (ec ? ec.message() : std::string(reply.text())));
    };
  }
  std::vector<std::string> all;
};

} // namespace

TEST_CASE("replies go to the commands in order") {
  pipeline p;
  outcomes seen;
  p.push(seen.note("a"));
  p.push(seen.note("b"));
  p.written();
  CHECK(p.complete(test::reply("+1\r\n")));
  CHECK(p.complete(test::reply("-ERR 2\r\n")));
  CHECK(seen.all == std::vector<std::string>{"a: 1", "b: ERR 2"});
  CHECK(p.empty());
}

TEST_CASE("a reply that nobody awaits is noticed") {
  pipeline p;
  CHECK_FALSE(p.complete(test::reply("+1\r\n")));
  p.push({});
  CHECK_FALSE(p.complete(test::reply("+1\r\n"))); // not even written
  p.written();
  CHECK(p.complete(test::reply("+1\r\n")));
}

TEST_CASE("a loss tells what may have run from what was never sent") {
  pipeline p;
  outcomes seen;
  p.push(seen.note("a"));
  p.push({});
  p.push(seen.note("b"));
  p.written();
  p.push(seen.note("c"));
  p.complete(test::reply("+1\r\n"));
  p.fail(errc::lost, errc::unavailable);
  CHECK(seen.all == std::vector<std::string>{"a: 1", "b: " + make_error_code(errc::lost).message(),
                                             "c: " + make_error_code(errc::unavailable).message()});
  CHECK(p.empty());
}

TEST_CASE("what a handler pushes while the old commands fail is not failed with them") {
  pipeline p;
  outcomes seen;
  p.push([&](error_code, redis::reply_view) { p.push(seen.note("again")); });
  p.written();
  p.fail(errc::lost, errc::unavailable);
  CHECK(seen.all.empty());
  p.written();
  CHECK(p.complete(test::reply("+1\r\n")));
  CHECK(seen.all == std::vector<std::string>{"again: 1"});
}

TEST_CASE("a reply can be kept beyond the handler") {
  pipeline p;
  redis::reply_ptr kept;
  std::string seen;
  p.push([&](error_code, redis::reply_view reply) { seen = reply.text(); }, &kept);
  p.written();
  p.complete(test::reply("+1\r\n"));
  CHECK(seen == "1");
  CHECK(redis::reply_view(kept.get()).text() == "1");
}

TEST_CASE("a handler that throws takes nothing from those behind it") {
  pipeline p;
  outcomes seen;
  for (int i = 0; i < 2; ++i) {
    p.push([](error_code, redis::reply_view) { throw std::bad_alloc(); });
    p.push(seen.note("b"));
  }
  p.written();
  CHECK(p.complete(test::reply("+1\r\n")));
  CHECK(p.complete(test::reply("+2\r\n")));
  p.fail(errc::lost, errc::unavailable);
  CHECK(seen.all.size() == 2);
}
