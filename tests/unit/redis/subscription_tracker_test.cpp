#include "jobcast/redis/subscription_tracker.hpp"

#include <deque>
#include <doctest/doctest.h>
#include <map>
#include <random>
#include <string>
#include <vector>

using jobcast::redis::subscription_tracker;
constexpr auto channel = subscription_tracker::kind::channel;
constexpr auto pattern = subscription_tracker::kind::pattern;
using commands = std::vector<std::string>;

namespace {

commands sent(subscription_tracker& t) {
  commands all;
  for (std::vector<std::string_view> arguments; t.next_command(arguments);) {
    std::string& line = all.emplace_back();
    for (std::string_view argument : arguments)
      line += (line.empty() ? "" : " ") + std::string(argument);
  }
  return all;
}

subscription_tracker connected() {
  subscription_tracker t;
  t.connection_up();
  return t;
}

/// `name` asked for, sent and acknowledged.
subscription_tracker subscribed_to(std::string_view name) {
  auto t = connected();
  t.subscribe(channel, name);
  sent(t);
  t.on_subscribed(channel, name);
  return t;
}

} // namespace

TEST_CASE("a channel is live once the server has acknowledged it") {
  auto t = connected();
  CHECK(t.subscribe(channel, "a"));
  CHECK_FALSE(t.live(channel, "a"));
  CHECK(sent(t) == commands{"SUBSCRIBE a"});
  CHECK(t.awaited() == 1);
  CHECK_FALSE(t.live(channel, "a"));
  CHECK(t.on_subscribed(channel, "a"));
  CHECK(t.live(channel, "a"));
  CHECK(t.awaited() == 0);
}

TEST_CASE("subscribing twice, or unsubscribing what is not subscribed, changes nothing") {
  auto t = subscribed_to("a");
  CHECK_FALSE(t.subscribe(channel, "a"));
  CHECK_FALSE(t.unsubscribe(channel, "b"));
  CHECK(sent(t).empty());
  CHECK(t.live(channel, "a"));
}

TEST_CASE("channels and patterns of one turn leave together, and are told apart") {
  auto t = connected();
  t.subscribe(channel, "a");
  t.subscribe(pattern, "a");
  t.subscribe(channel, "b");
  CHECK(sent(t) == commands{"SUBSCRIBE a b", "PSUBSCRIBE a"});
  CHECK(t.on_subscribed(pattern, "a"));
  CHECK(t.live(pattern, "a"));
  CHECK_FALSE(t.live(channel, "a"));
  t.unsubscribe(pattern, "a");
  CHECK(sent(t) == commands{"PUNSUBSCRIBE a"});
}

TEST_CASE("messages stop with unsubscribe(), not with its acknowledgement") {
  auto t = subscribed_to("a");
  CHECK(t.unsubscribe(channel, "a"));
  CHECK_FALSE(t.live(channel, "a"));
  CHECK(sent(t) == commands{"UNSUBSCRIBE a"});
  CHECK(t.awaited() == 1);
  t.on_unsubscribed(channel, "a");
  CHECK(t.awaited() == 0);
}

TEST_CASE("a wish taken back in the same turn is never sent") {
  auto t = connected();
  t.subscribe(channel, "a");
  t.subscribe(channel, "b");
  t.unsubscribe(channel, "a");
  CHECK(sent(t) == commands{"SUBSCRIBE b"});
}

TEST_CASE("taken back and asked for again in one turn, a new channel is subscribed once") {
  auto t = connected();
  t.subscribe(channel, "a");
  t.unsubscribe(channel, "a");
  t.subscribe(channel, "a");
  CHECK(sent(t) == commands{"SUBSCRIBE a"});
  CHECK(t.on_subscribed(channel, "a"));
}

TEST_CASE("left and asked for again in one turn, a live channel is acknowledged anew") {
  auto t = subscribed_to("a");
  t.unsubscribe(channel, "a");
  CHECK(t.subscribe(channel, "a"));
  CHECK_FALSE(t.live(channel, "a"));
  CHECK(sent(t) == commands{"SUBSCRIBE a"});
  CHECK(t.on_subscribed(channel, "a"));
  CHECK(t.live(channel, "a"));
}

TEST_CASE("with subscribe, unsubscribe and subscribe in flight only the last acknowledgement counts") {
  auto t = connected();
  t.subscribe(channel, "a");
  CHECK(sent(t) == commands{"SUBSCRIBE a"});
  t.unsubscribe(channel, "a");
  CHECK(sent(t) == commands{"UNSUBSCRIBE a"});
  t.subscribe(channel, "a");
  CHECK(sent(t) == commands{"SUBSCRIBE a"});
  CHECK(t.awaited() == 3);
  CHECK_FALSE(t.on_subscribed(channel, "a"));
  CHECK_FALSE(t.live(channel, "a"));
  t.on_unsubscribed(channel, "a");
  CHECK_FALSE(t.live(channel, "a"));
  CHECK(t.on_subscribed(channel, "a"));
  CHECK(t.live(channel, "a"));
}

TEST_CASE("an acknowledgement that comes while the next command is still queued does not count") {
  auto t = connected();
  t.subscribe(channel, "a");
  sent(t);
  t.unsubscribe(channel, "a");
  t.subscribe(channel, "a");
  CHECK_FALSE(t.on_subscribed(channel, "a"));
  CHECK(sent(t) == commands{"SUBSCRIBE a"});
  CHECK(t.on_subscribed(channel, "a"));
}

TEST_CASE("an acknowledgement that comes after unsubscribe() does not make the channel live") {
  auto t = connected();
  t.subscribe(channel, "a");
  sent(t);
  t.unsubscribe(channel, "a");
  CHECK_FALSE(t.on_subscribed(channel, "a"));
  CHECK_FALSE(t.live(channel, "a"));
  CHECK(sent(t) == commands{"UNSUBSCRIBE a"});
}

TEST_CASE("everything wanted is sent again on a new connection, and nothing else") {
  subscription_tracker t;
  CHECK_FALSE(t.subscribe(channel, "a"));
  t.subscribe(channel, "b");
  t.subscribe(pattern, "p*");
  t.unsubscribe(channel, "b");
  CHECK(sent(t).empty());
  t.connection_up();
  CHECK(sent(t) == commands{"SUBSCRIBE a", "PSUBSCRIBE p*"});
  CHECK(t.on_subscribed(channel, "a"));
  t.connection_lost();
  CHECK_FALSE(t.live(channel, "a"));
  CHECK(t.awaited() == 0);
  t.unsubscribe(pattern, "p*");
  t.connection_up();
  CHECK(sent(t) == commands{"SUBSCRIBE a"});
  CHECK(t.on_subscribed(channel, "a"));
}

TEST_CASE("a loss in the middle of everything leaves the wishes alone") {
  auto t = subscribed_to("a");
  t.subscribe(channel, "b");
  t.subscribe(channel, "c");
  sent(t);
  t.unsubscribe(channel, "a"); // queued
  t.unsubscribe(channel, "c"); // in flight before
  t.subscribe(channel, "d");   // queued
  t.connection_lost();
  CHECK(sent(t).empty());
  t.connection_up();
  auto all = sent(t);
  REQUIRE(all.size() == 1);
  bool either = all[0] == "SUBSCRIBE b d" || all[0] == "SUBSCRIBE d b";
  CHECK(either);
  CHECK(t.awaited() == 2);
}

TEST_CASE("acknowledgements that nobody awaits are ignored") {
  auto t = connected();
  CHECK_FALSE(t.on_subscribed(channel, "a"));
  t.on_unsubscribed(channel, "a");
  CHECK(t.awaited() == 0);
  auto s = subscribed_to("a");
  CHECK_FALSE(s.on_subscribed(channel, "a"));
  CHECK(s.live(channel, "a"));
}

TEST_CASE("many channels are sent in commands of a bounded size") {
  auto t = connected();
  for (int i = 0; i < 1'201; ++i)
    t.subscribe(channel, "channel:" + std::to_string(i));
  std::vector<std::size_t> sizes;
  for (std::vector<std::string_view> arguments; t.next_command(arguments);)
    sizes.push_back(arguments.size() - 1);
  CHECK(sizes == std::vector<std::size_t>{500, 500, 201});
  CHECK(t.awaited() == 1'201);
}

TEST_CASE("whatever is asked for in whatever order, a live channel is subscribed at the server, and all settles") {
  const std::vector<std::string> names{"a", "b", "c"};
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::minstd_rand random(seed + 1);
    subscription_tracker t;
    std::map<std::string, bool> wanted, at_server;
    std::deque<std::pair<bool, std::string>> answers; // on their way back
    auto send = [&] {
      for (std::vector<std::string_view> arguments; t.next_command(arguments);)
        for (std::size_t i = 1; i < arguments.size(); ++i) {
          std::string name(arguments[i]);
          at_server[name] = arguments[0] == "SUBSCRIBE";
          answers.emplace_back(at_server[name], name);
        }
    };
    auto receive = [&] {
      auto [subscribed, name] = answers.front();
      answers.pop_front();
      if (!subscribed)
        t.on_unsubscribed(channel, name);
      else if (t.on_subscribed(channel, name))
        REQUIRE(wanted[name]);
    };
    t.connection_up();
    for (int step = 0; step < 200; ++step) {
      const std::string& name = names[random() % names.size()];
      switch (random() % 16) {
      case 0:
        t.connection_lost();
        answers.clear();
        at_server.clear();
        t.connection_up();
        break;
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        t.subscribe(channel, name);
        wanted[name] = true;
        break;
      case 6:
      case 7:
      case 8:
      case 9:
        t.unsubscribe(channel, name);
        wanted[name] = false;
        break;
      case 10:
      case 11:
      case 12:
        send();
        break;
      default:
        if (!answers.empty())
          receive();
      }
      for (const auto& each : names)
        if (t.live(channel, each)) {
          REQUIRE(wanted[each]);
          REQUIRE(at_server[each]);
        }
      REQUIRE(t.awaited() == answers.size());
    }
    send();
    while (!answers.empty())
      receive();
    for (const auto& each : names) {
      REQUIRE(t.live(channel, each) == wanted[each]);
      REQUIRE(at_server[each] == wanted[each]);
    }
  }
}
