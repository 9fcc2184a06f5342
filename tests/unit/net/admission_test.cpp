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
