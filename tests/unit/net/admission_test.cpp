#include "jobcast/net/admission.hpp"

#include <doctest/doctest.h>
#include <vector>

using namespace jobcast;
using namespace std::chrono_literals;

namespace {

asio::ip::address at(const char* text) {
  return asio::ip::make_address(text);
}

limit_settings few() {
  limit_settings limits;
  limits.connections_per_address = 2;
  limits.streams_per_owner = 1;
  limits.request_rate = 10;
  return limits;
}

} // namespace

TEST_CASE("an address has so many connections, and gets those back that it closes") {
  net::admission gate(few());
  auto first = gate.connect(at("192.0.2.1"));
  {
    auto const second = gate.connect(at("192.0.2.1"));
    CHECK(bool(second));
    CHECK_FALSE(bool(gate.connect(at("::ffff:192.0.2.1"))));
    CHECK(bool(gate.connect(at("192.0.2.2"))));
  }
  CHECK(bool(gate.connect(at("192.0.2.1"))));
  auto const moved = std::move(first);
  CHECK(bool(moved));
  CHECK_FALSE(bool(first));
}

TEST_CASE("of IPv6 a whole /64 is one customer") {
  net::admission gate(few());
  auto const one = gate.connect(at("2001:db8:0:1::1")), two = gate.connect(at("2001:db8:0:1:ffff::2"));
  CHECK_FALSE(bool(gate.connect(at("2001:db8:0:1::3"))));
  CHECK(bool(gate.connect(at("2001:db8:0:2::1"))));
}

TEST_CASE("a viewer has so many streams") {
  net::admission gate(few());
  auto const one = gate.open_stream("acme/anna");
  CHECK(bool(one));
  CHECK_FALSE(bool(gate.open_stream("acme/anna")));
  CHECK(bool(gate.open_stream("/anna")));
}

TEST_CASE("a payer that is beyond its rate waits until that has come in again") {
  net::admission gate(few());
  net::admission::time_point now{};
  net::admission::payer const who(gate, at("192.0.2.1")), other(gate, at("192.0.2.2"));
  CHECK(who.wait(now) == 0);
  who.pay(50, now);
  CHECK(who.wait(now) == 0);
  who.pay(25, now);
  CHECK(who.wait(now) == 3);
  CHECK(gate.request(at("192.0.2.1"), now) == 3);
  CHECK(other.wait(now) == 0);
  CHECK(who.wait(now + 2s) == 1);
  CHECK(who.wait(now + 2500ms) == 0);
}

TEST_CASE("whoever is exempt pays nothing") {
  net::admission::payer const nobody;
  nobody.pay(1e9, {});
  CHECK(nobody.wait({}) == 0);
  CHECK(nobody.key().empty());
}

TEST_CASE("requests may come in a burst, then at the rate") {
  net::admission gate(few());
  net::admission::time_point now{};
  for (int i = 0; i < 50; ++i)
    CHECK(gate.request(at("192.0.2.1"), now) == 0);
  CHECK(gate.request(at("192.0.2.1"), now) == 1);
  CHECK(gate.request(at("192.0.2.2"), now) == 0);
  now += 200ms;
  CHECK(gate.request(at("192.0.2.1"), now) == 0);
  CHECK(gate.request(at("192.0.2.1"), now) == 0);
  CHECK(gate.request(at("192.0.2.1"), now) == 1);
  now += 1h;
  for (int i = 0; i < 50; ++i)
    CHECK(gate.request(at("192.0.2.1"), now) == 0);
  CHECK(gate.request(at("192.0.2.1"), now) != 0);
}

TEST_CASE("a request that counts for several may go beyond the rate, and those after it wait for so much longer") {
  net::admission gate(few());
  net::admission::time_point now{};
  CHECK(gate.request(at("192.0.2.1"), now, 150) == 0);
  CHECK(gate.request(at("192.0.2.1"), now) == 11);
  now += 10s;
  CHECK(gate.request(at("192.0.2.1"), now) == 1);
  now += 1s;
  CHECK(gate.request(at("192.0.2.1"), now) == 0);
}

TEST_CASE("without a rate any number is let through, and other limits take effect at once") {
  limit_settings limits = few();
  limits.request_rate = 0;
  net::admission gate(limits);
  for (int i = 0; i < 1000; ++i)
    CHECK(gate.request(at("192.0.2.1"), {}) == 0);
  auto const one = gate.connect(at("192.0.2.1")), two = gate.connect(at("192.0.2.1"));
  CHECK_FALSE(bool(gate.connect(at("192.0.2.1"))));
  limits.connections_per_address = 3;
  gate.set_limits(limits);
  CHECK(bool(gate.connect(at("192.0.2.1"))));
}

TEST_CASE("a place that is paid for counts as several requests, and what was paid is given back once") {
  net::admission gate(few());
  net::admission::time_point now{};
  auto place = gate.connect(at("192.0.2.1"));
  for (int i = 0; i < 12; ++i)
    CHECK(place.pay(now, 4));
  auto other = gate.connect(at("192.0.2.1"));
  CHECK(other.pay(now, 4));
  CHECK_FALSE(other.pay(now, 4));
  CHECK(gate.request(at("192.0.2.1"), now) != 0);
  place.refund();
  place.refund();
  for (int i = 0; i < 46; ++i)
    CHECK(gate.request(at("192.0.2.1"), now) == 0);
  CHECK(gate.request(at("192.0.2.1"), now) != 0);
}

namespace {

using room = net::admission::room;

// 1,000 bytes for a client, 4,000 in all, half of it for those who may not publish.
limit_settings few_bytes() {
  limit_settings limits = few();
  limits.held_per_client = 1000;
  limits.bodies = 4000;
  return limits;
}

net::admission::client client(const char* address, std::string viewer = {}) {
  return {at(address), std::move(viewer), false};
}

} // namespace

TEST_CASE("bytes are held for an address up to its limit, and are given back") {
  net::admission gate(few_bytes());
  metrics::counter shown;
  auto first = gate.open_account(client("192.0.2.1"), shown);
  CHECK(first.hold(600) == room::enough);
  {
    auto second = gate.open_account(client("::ffff:192.0.2.1"), shown);
    CHECK(second.hold(401) == room::client_full);
    CHECK(second.held() == 0);
    CHECK(second.hold(400) == room::enough);
    CHECK(second.hold(401) == room::client_full);
    CHECK(second.held() == 400);
    CHECK(gate.open_account(client("192.0.2.2"), shown).hold(1000) == room::enough);
    CHECK(shown.get() == 1000);
  }
  CHECK(shown.get() == 600);
  auto third = gate.open_account(client("192.0.2.1"), shown);
  CHECK(third.hold(400) == room::enough);
  CHECK(first.hold(100) == room::enough);
  CHECK(third.hold(900) == room::enough);
  CHECK(shown.get() == 1000);
}

TEST_CASE("bytes of a viewer count together from all its addresses") {
  net::admission gate(few_bytes());
  metrics::counter shown;
  auto here = gate.open_account(client("192.0.2.1", "/anna"), shown);
  auto there = gate.open_account(client("192.0.2.2", "/anna"), shown);
  CHECK(here.hold(600) == room::enough);
  CHECK(there.hold(600) == room::client_full);
  CHECK(there.hold(400) == room::enough);
  // What was refused was taken from neither.
  auto bela = gate.open_account(client("192.0.2.2", "/bela"), shown);
  CHECK(bela.hold(600) == room::enough);
}

TEST_CASE("who holds nothing else is not refused for the size of one thing") {
  net::admission gate(few_bytes());
  metrics::counter shown;
  auto alone = gate.open_account(client("192.0.2.1"), shown);
  CHECK(alone.hold(1500) == room::enough);
  CHECK(alone.hold(1600) == room::enough);
  CHECK(gate.open_account(client("192.0.2.1"), shown).hold(1) == room::client_full);
}

TEST_CASE("publishers have all bytes of the gateway and no limit of their own, others half of them") {
  net::admission gate(few_bytes());
  metrics::counter shown;
  auto one = gate.open_account(client("192.0.2.1"), shown), two = gate.open_account(client("192.0.2.2"), shown);
  CHECK(one.hold(1000) == room::enough);
  CHECK(two.hold(1001) == room::gateway_full);
  CHECK(two.hold(1000) == room::enough);
  auto publisher = gate.open_account({.publisher = true}, shown);
  CHECK(publisher.hold(2001) == room::gateway_full);
  CHECK(publisher.hold(2000) == room::enough);
  CHECK(gate.open_account({.publisher = true}, shown).hold(1) == room::gateway_full);
  CHECK(shown.get() == 4000);
}

TEST_CASE("an account that is moved or replaced holds once") {
  net::admission gate(few_bytes());
  metrics::counter shown;
  auto first = gate.open_account(client("192.0.2.1"), shown);
  CHECK(first.hold(800) == room::enough);
  auto moved = std::move(first);
  CHECK(moved.held() == 800);
  CHECK_FALSE(bool(first));
  CHECK(first.hold(5) == room::enough);
  CHECK(shown.get() == 800);
  moved = {};
  CHECK(shown.get() == 0);
  CHECK(gate.open_account(client("192.0.2.1"), shown).hold(1000) == room::enough);
}

TEST_CASE("an address with an open account is not forgotten with its last connection") {
  net::admission gate(few_bytes());
  metrics::counter shown;
  auto held = gate.open_account(client("192.0.2.1", "/anna"), shown);
  CHECK(held.hold(900) == room::enough);
  {
    auto const connection = gate.connect(at("192.0.2.1"));
    auto const stream = gate.open_stream("/anna");
  }
  CHECK(gate.open_account(client("192.0.2.1"), shown).hold(200) == room::client_full);
  CHECK(gate.open_account(client("192.0.2.2", "/anna"), shown).hold(200) == room::client_full);
}
