#include "jobcast/redis/subscriber.hpp"
#include "loop.hpp"
#include "redis_server.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <map>
#include <memory>
#include <vector>

using namespace jobcast;
using namespace std::chrono_literals;
using test::quick;
using test::run_until;

namespace {

struct recorder final : redis::subscriber_observer {
  void on_subscribed(std::string_view name) override { ++subscribed[std::string(name)]; }
  void on_message(std::string_view channel, std::string_view payload) override {
    messages.emplace_back(channel, payload);
    if (then)
      then();
  }
  void on_turn_end() override { ++turns; }
  void on_connection(bool up) override { connections.push_back(up); }

  std::map<std::string, int> subscribed;
  std::vector<std::pair<std::string, std::string>> messages;
  std::vector<bool> connections;
  int turns = 0;
  std::function<void()> then;
};

struct running_subscriber {
  explicit running_subscriber(redis::address where, redis::connection_options options = quick())
      : listening(std::make_unique<redis::subscriber>(io.get_executor(), where, seen, options))
      , publishing(io.get_executor(), where, options) {
    listening->start();
    publishing.start();
  }
  bool connect() {
    return run_until(io, [&] { return listening->connected() && publishing.connected(); });
  }
  bool subscribed(const std::string& name, int times = 1) {
    return run_until(io, [&] { return seen.subscribed[name] == times; });
  }
  /// Until the server has passed on everything published so far.
  void settle() {
    bool answered = false;
    publishing.call({"PING"}, [&](error_code, redis::reply_view) { answered = true; });
    run_until(io, [&] { return answered; });
    test::run_ready(io);
  }
  void publish(std::string_view channel, std::string_view payload) {
    publishing.call({"PUBLISH", channel, payload}, [](error_code ec, redis::reply_view) { CHECK_FALSE(ec); });
  }

  asio::io_context io{1};
  recorder seen;
  std::unique_ptr<redis::subscriber> listening;
  redis::client publishing;
};

} // namespace

TEST_CASE("messages arrive in the order they were published, over a unix socket and over tcp") {
  test::redis_server server;
  for (const auto& where : {server.unix_socket(), server.tcp()}) {
    running_subscriber s(where);
    s.listening->subscribe("a");
    s.listening->subscribe("b");
    REQUIRE(s.connect());
    REQUIRE(s.subscribed("a"));
    REQUIRE(s.subscribed("b"));
    for (int i = 0; i < 5'000; ++i)
      s.publish(i % 2 ? "a" : "b", std::to_string(i));
    REQUIRE(run_until(s.io, [&] { return s.seen.messages.size() == 5'000; }));
    for (int i = 0; i < 5'000; ++i)
      REQUIRE(s.seen.messages[i] == std::pair<std::string, std::string>(i % 2 ? "a" : "b", std::to_string(i)));
    CHECK(s.seen.turns > 0);
    CHECK(s.seen.turns < 5'000);
    CHECK(s.seen.connections == std::vector{true});
  }
}

TEST_CASE("a message larger than any read arrives whole") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  REQUIRE(s.connect());
  s.listening->subscribe("a");
  REQUIRE(s.subscribed("a"));
  std::string big(3'000'000, 'x');
  s.publish("a", big);
  s.publish("a", "after");
  REQUIRE(run_until(s.io, [&] { return s.seen.messages.size() == 2; }));
  CHECK(s.seen.messages[0].second == big);
  CHECK(s.seen.messages[1].second == "after");
}

TEST_CASE("patterns tell the channel that was published to") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  REQUIRE(s.connect());
  s.listening->psubscribe("report:*");
  REQUIRE(s.subscribed("report:*"));
  s.publish("report:7", "x");
  REQUIRE(run_until(s.io, [&] { return s.seen.messages.size() == 1; }));
  CHECK(s.seen.messages[0] == std::pair<std::string, std::string>("report:7", "x"));
  s.listening->punsubscribe("report:*");
  s.publish("report:7", "y");
  s.settle();
  CHECK(s.seen.messages.size() == 1);
}

TEST_CASE("after punsubscribe() nothing more of the pattern is heard, even what is already here") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  REQUIRE(s.connect());
  s.listening->psubscribe("a*");
  s.listening->subscribe("b");
  REQUIRE(s.subscribed("b"));
  s.seen.then = [&] { s.listening->punsubscribe("a*"); };
  for (int i = 0; i < 100; ++i)
    s.publish("a", "x");
  s.publish("b", "last");
  REQUIRE(run_until(s.io, [&] { return !s.seen.messages.empty() && s.seen.messages.back().second == "last"; }));
  CHECK(s.seen.messages.size() == 2);
}

TEST_CASE("once the server knows of unsubscribe() nothing more of the channel is heard") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  REQUIRE(s.connect());
  s.listening->subscribe("a");
  REQUIRE(s.subscribed("a"));
  s.listening->unsubscribe("a");
  s.listening->subscribe("b");
  REQUIRE(s.subscribed("b"));
  s.publish("a", "x");
  s.publish("b", "y");
  REQUIRE(run_until(s.io, [&] { return !s.seen.messages.empty(); }));
  CHECK(s.seen.messages.front().second == "y");
}

TEST_CASE("unsubscribe() and subscribe() again is acknowledged again, and messages flow") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  REQUIRE(s.connect());
  s.listening->subscribe("a");
  REQUIRE(s.subscribed("a"));
  s.listening->unsubscribe("a");
  s.listening->subscribe("a");
  REQUIRE(s.subscribed("a", 2));
  s.listening->unsubscribe("a");
  test::run_ready(s.io); // sent
  s.listening->subscribe("a");
  REQUIRE(s.subscribed("a", 3));
  s.publish("a", "x");
  CHECK(run_until(s.io, [&] { return s.seen.messages.size() == 1; }));
}

TEST_CASE("a thousand channels are subscribed again after the server was killed and restarted") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  REQUIRE(s.connect());
  auto everywhere = [&](int times) {
    return run_until(s.io, [&] {
      if (s.seen.subscribed.size() < 1'000)
        return false;
      for (const auto& [name, count] : s.seen.subscribed)
        if (count != times)
          return false;
      return true;
    });
  };
  for (int i = 0; i < 1'000; ++i)
    s.listening->subscribe("channel:" + std::to_string(i));
  REQUIRE(everywhere(1));
  server.kill();
  REQUIRE(run_until(s.io, [&] { return !s.listening->connected(); }));
  CHECK(s.seen.connections == std::vector{true, false});
  server.start();
  REQUIRE(everywhere(2));
  CHECK(s.seen.connections == std::vector{true, false, true});
  REQUIRE(s.connect());
  s.publish("channel:777", "back");
  CHECK(run_until(s.io, [&] { return s.seen.messages.size() == 1; }));
}

TEST_CASE("twenty thousand channels can be subscribed at once") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  for (int i = 0; i < 20'000; ++i)
    s.listening->subscribe("channel:" + std::to_string(i));
  REQUIRE(run_until(s.io, [&] { return s.seen.subscribed.size() == 20'000; }));
}

TEST_CASE("a server that stops answering is declared dead, and subscribed again when it answers") {
  test::redis_server server;
  running_subscriber s(server.tcp(), quick(500ms));
  s.listening->subscribe("a");
  REQUIRE(s.subscribed("a"));
  server.pause();
  REQUIRE(run_until(s.io, [&] { return !s.listening->connected(); }));
  server.resume();
  REQUIRE(s.subscribed("a", 2));
  CHECK(s.seen.connections == std::vector{true, false, true});
}

TEST_CASE("an idle subscriber stays up, subscribed or not") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  REQUIRE(s.connect());
  auto pings = [&] {
    int seen = -1;
    s.publishing.call({"INFO", "commandstats"}, [&](error_code, redis::reply_view reply) {
      auto at = reply.text().find("cmdstat_ping:calls=");
      seen = at == std::string_view::npos ? 0 : std::stoi(std::string(reply.text().substr(at + 19)));
    });
    run_until(s.io, [&] { return seen >= 0; });
    return seen;
  };
  for (int subscribed : {0, 1}) {
    if (subscribed)
      s.listening->subscribe("a");
    int enough = pings() + 5;
    REQUIRE(run_until(s.io, [&] { return pings() >= enough; }));
    CHECK(s.seen.connections == std::vector{true});
  }
}

TEST_CASE("subscriptions that the server refuses are no connection") {
  test::redis_server server({"--user", "narrow", "on", ">secret", "+@all", "~*", "resetchannels", "&open:*"});
  auto where = server.unix_socket();
  where.user = "narrow";
  where.password = "secret";
  running_subscriber s(where);
  s.listening->subscribe("open:1");
  REQUIRE(s.subscribed("open:1"));
  s.listening->subscribe("closed");
  CHECK(run_until(s.io, [&] { return s.seen.connections.size() >= 2 && !s.seen.connections[1]; }));
}

TEST_CASE("a subscriber may be destroyed from inside a message") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  REQUIRE(s.connect());
  s.listening->subscribe("a");
  REQUIRE(s.subscribed("a"));
  s.seen.then = [&] { s.listening.reset(); };
  int turns = s.seen.turns;
  for (int i = 0; i < 100; ++i)
    s.publish("a", "x");
  REQUIRE(run_until(s.io, [&] { return !s.listening; }));
  s.settle();
  CHECK(s.seen.messages.size() == 1);
  CHECK(s.seen.turns == turns);
  CHECK(s.seen.connections == std::vector{true});
}

TEST_CASE("what is published while reading is paused comes later, and the silence does not count") {
  test::redis_server server;
  running_subscriber s(server.unix_socket(), quick(200ms));
  s.listening->subscribe("a");
  REQUIRE(s.connect());
  REQUIRE(s.subscribed("a"));
  s.listening->pause();
  for (int i = 0; i < 20'000; ++i)
    s.publish("a", std::to_string(i));
  s.settle();
  auto const until = std::chrono::steady_clock::now() + 1s;
  run_until(s.io, [&] { return std::chrono::steady_clock::now() > until; });
  // What was read already, and no more.
  CHECK(s.seen.messages.size() < 5'000);
  CHECK(s.listening->connected());
  s.listening->go_on();
  REQUIRE(run_until(s.io, [&] { return s.seen.messages.size() == 20'000; }));
  for (int i = 0; i < 20'000; ++i)
    REQUIRE(s.seen.messages[static_cast<std::size_t>(i)].second == std::to_string(i));
  CHECK(s.seen.connections == std::vector<bool>{true});
}

TEST_CASE("an observer may pause and go on from inside any message") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  s.listening->subscribe("a");
  REQUIRE(s.connect());
  REQUIRE(s.subscribed("a"));
  s.seen.then = [&] {
    s.listening->pause();
    asio::post(s.io, [&] { s.listening->go_on(); });
  };
  for (int i = 0; i < 2'000; ++i)
    s.publish("a", std::to_string(i));
  CHECK(run_until(s.io, [&] { return s.seen.messages.size() == 2'000; }));
}

TEST_CASE("a connection that was paused when it was lost is read again") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  s.listening->subscribe("a");
  REQUIRE(s.connect());
  REQUIRE(s.subscribed("a"));
  s.listening->pause();
  server.kill();
  server.start();
  s.listening->go_on();
  REQUIRE(s.subscribed("a", 2));
  REQUIRE(s.connect());
  s.publish("a", "again");
  CHECK(run_until(s.io, [&] { return s.seen.messages.size() == 1; }));
}

TEST_CASE("an observer that throws at a message loses none of the others, nor the connection") {
  test::redis_server server;
  running_subscriber s(server.unix_socket());
  s.listening->subscribe("a");
  REQUIRE(s.connect());
  REQUIRE(s.subscribed("a"));
  s.seen.then = [&] {
    if (s.seen.messages.size() % 2)
      throw std::bad_alloc();
  };
  for (int i = 0; i < 100; ++i)
    s.publish("a", std::to_string(i));
  CHECK(run_until(s.io, [&] { return s.seen.messages.size() == 100; }));
  CHECK(s.seen.connections == std::vector<bool>{true});
}
