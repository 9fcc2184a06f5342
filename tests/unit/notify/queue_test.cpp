#include "notify/queue.hpp"

#include "../redis/replies.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace jobcast;
using namespace jobcast::notify;
using namespace std::chrono_literals;

namespace {

notify_settings config() {
  notify_settings c;
  c.webhooks["shop"].url = "https://shop.example.com";
  c.concurrency = 4;
  return c;
}

delivery example(std::string channel = "webhook.3") {
  delivery d;
  d.id = "id";
  d.claim = "3";
  d.channel = std::move(channel);
  return d;
}

/// The channels that receivers which jobs name share.
words shared(const std::string& room) {
  words out;
  for (char const lane : std::string_view("0123456789abcdef"))
    out.insert(out.end(), {std::string("webhook.") + lane, room, ""});
  out.insert(out.end(), {"webhook", room, ""});
  return out;
}

words operator+(words a, const words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// After the words that every call begins with.
words rest_of(words all, std::size_t from) {
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from));
  return all;
}

} // namespace

TEST_CASE("a poll asks for as many deliveries as there is room for, by channel") {
  CHECK(poll_call("ns", config(), {}) == words{"FCALL", "jobcast_notify_poll", "1", "ns", "60000", "41000", "10000",
                                               "1000000", "hook.shop", "4", endpoint_key("https://shop.example.com")} +
                                             shared("4") + words{"email", "4", ""});
  auto const busy = rest_of(poll_call("ns", config(), {{"hook.shop", 4}, {"email", 1}}), 8);
  CHECK(busy ==
        words{"hook.shop", "0", endpoint_key("https://shop.example.com")} + shared("4") + words{"email", "3", ""});
}

TEST_CASE("a reload may lower concurrency below what runs") {
  auto const call = poll_call("ns", config(), {{"email", 9}});
  CHECK(rest_of(call, call.size() - 3) == words{"email", "0", ""});
}

TEST_CASE("what was claimed is read") {
  auto const reply =
      test::reply("*2\r\n:250\r\n*5\r\n$5\r\nemail\r\n:2\r\n:1\r\n"
                  "*1\r\n*11\r\n$2\r\nid\r\n:3\r\n:2\r\n$15\r\nzoe@example.com\r\n$1\r\na\r\n$1\r\n4\r\n$4\r\ndone\r\n"
                  "$6\r\nexport\r\n$3\r\n100\r\n$3\r\n200\r\n$2\r\n{}\r\n:1\r\n");
  auto const got = read_poll(reply.get());
  CHECK(got.wait_ms == 250);
  REQUIRE(got.channels.size() == 1);
  auto const& channel = got.channels[0];
  CHECK(channel.name == "email");
  CHECK((channel.seen == 2 && channel.buried == 1 && channel.full));
  REQUIRE(channel.deliveries.size() == 1);
  auto const& d = channel.deliveries[0];
  CHECK((d.id == "id" && d.claim == "3" && d.channel == "email" && d.to == "zoe@example.com" && d.record == "{}"));
  CHECK((d.job == "a" && d.attempt == 4 && d.status == "done" && d.type == "export"));
  CHECK((d.tries == 2 && d.created == 100 && d.finished == 200));
}

TEST_CASE("what became of a claim is recorded under it") {
  auto const settled = [](const delivery& d, verdict v, milliseconds pause = 0ms) {
    return rest_of(settle_call("ns", d, v, pause, config()), 4);
  };
  using enum verdict::kind;
  CHECK(settled(example(), {}) == words{"id", "3", "sent"});
  CHECK(settled(example(), {retry, "why", {}}, 5s) == words{"id", "3", "retry", "5000", "why"});
  CHECK(settled(example(), {dead, "why", {}}) == words{"id", "3", "dead", "10000", "why"});
  CHECK(settled(example(), {disable, "why", {}}) == words{"id", "3", "disable", "10000", "why"});
  CHECK(settled(example("hook.shop"), {disable, "why", {}}) ==
        words{"id", "3", "disable", "10000", "why", endpoint_key("https://shop.example.com")});
}

TEST_CASE("a channel of a webhook leads to its configuration") {
  auto const c = config();
  CHECK(hook_of(hook_channel("shop"), c) == &c.webhooks.at("shop"));
  CHECK(hook_of("hook.other", c) == nullptr);
  CHECK(hook_of("webhook.3", c) == nullptr);
}
