#include "jobcast/notify/address_rules.hpp"

#include <doctest/doctest.h>

using namespace jobcast::notify;

namespace {

auto address(std::string_view text) {
  return boost::asio::ip::make_address(std::string(text));
}

} // namespace

TEST_CASE("addresses of the public Internet are allowed") {
  address_rules const rules({});
  for (auto const text :
       {"1.1.1.1", "8.8.8.8", "100.63.255.255", "172.15.255.255", "172.32.0.1", "192.167.0.1", "223.255.255.255",
        "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808"}) {
    CAPTURE(text);
    CHECK(rules.allows(address(text)));
  }
}

TEST_CASE("internal addresses are refused") {
  address_rules const rules({});
  for (auto const text : {"0.0.0.0",
                          "10.1.2.3",
                          "100.64.0.1",
                          "127.0.0.1",
                          "127.8.8.8",
                          "169.254.169.254",
                          "172.16.0.1",
                          "172.31.255.255",
                          "192.0.0.8",
                          "192.168.1.1",
                          "198.18.0.1",
                          "224.0.0.1",
                          "240.0.0.1",
                          "255.255.255.255",
                          "203.0.113.7",
                          "::",
                          "::1",
                          "fe80::1",
                          "fc00::1",
                          "fd00:ec2::254",
                          "ff02::1",
                          "2001:db8::1",
                          "2002:7f00:1::",
                          "2001::1",
                          "100::1",
                          "::127.0.0.1",
                          "::ffff:127.0.0.1",
                          "::ffff:10.0.0.1",
                          "64:ff9b::7f00:1",
                          "64:ff9b::a9fe:a9fe",
                          "64:ff9b:1::808:808"}) {
    CAPTURE(text);
    CHECK_FALSE(rules.allows(address(text)));
  }
}

TEST_CASE("a network that is listed is allowed, and no more than it") {
  address_rules const rules({"10.0.0.0/9", "127.0.0.1", "fd12::/16"});
  CHECK(rules.allows(address("10.127.0.1")));
  CHECK_FALSE(rules.allows(address("10.128.0.1")));
  CHECK(rules.allows(address("127.0.0.1")));
  CHECK(rules.allows(address("::ffff:127.0.0.1")));
  CHECK_FALSE(rules.allows(address("127.0.0.2")));
  CHECK(rules.allows(address("fd12::1")));
  CHECK_FALSE(rules.allows(address("fd13::1")));
}

TEST_CASE("what is no network is told from one") {
  for (auto const text : {"0.0.0.0/0", "::/0", "10.0.0.0/8", "192.168.1.7", "fd00::/8"}) {
    CAPTURE(text);
    CHECK(network::parse(text));
  }
  for (auto const text : {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8 ", "10.0.0.1/8", "10.0.0", "::/129",
                          "fe80::1%eth0", "all", "-1.0.0.0/8", "10.0.0.0/-1"}) {
    CAPTURE(text);
    CHECK_FALSE(network::parse(text));
  }
}
