#include "jobcast/net/networks.hpp"

#include <doctest/doctest.h>

using namespace jobcast;

namespace {

asio::ip::address at(const char* text) {
  return asio::ip::make_address(text);
}

net::networks list(std::initializer_list<const char*> all) {
  net::networks out;
  for (const char* one : all)
    REQUIRE(out.add(one));
  return out;
}

} // namespace

TEST_CASE("addresses and networks of both kinds are known") {
  auto const known = list({"10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1"});
  for (const char* in : {"10.255.0.1", "192.0.2.7", "fd12::1", "::1", "::ffff:10.0.0.1"})
    CHECK_MESSAGE(known.contains(at(in)), in);
  for (const char* out : {"11.0.0.1", "192.0.2.8", "fe80::1", "::2", "::ffff:11.0.0.1"})
    CHECK_MESSAGE(!known.contains(at(out)), out);
}

TEST_CASE("what is no network is refused") {
  for (const char* wrong : {"", "10", "10.0.0.0/33", "10.0.0.0/", "example.com", "::/129", "10.0.0.0/8/8"})
    CHECK_MESSAGE(!net::networks().add(wrong), wrong);
}

TEST_CASE("the client is the last hop that no trusted proxy is") {
  auto const trusted = list({"10.0.0.0/8"});
  auto const client = [&](const char* peer, const char* header) {
    return net::client_of(at(peer), header, trusted).to_string();
  };
  CHECK(client("10.0.0.1", "203.0.113.5") == "203.0.113.5");
  CHECK(client("10.0.0.1", "203.0.113.5, 10.0.0.2") == "203.0.113.5");
  CHECK(client("10.0.0.1", "") == "10.0.0.1");
  CHECK(client("::ffff:10.0.0.1", "2001:db8::1") == "2001:db8::1");
}

TEST_CASE("what a client writes about itself is not believed") {
  auto const trusted = list({"10.0.0.0/8"});
  CHECK(net::client_of(at("203.0.113.5"), "192.0.2.1", trusted) == at("203.0.113.5"));
  CHECK(net::client_of(at("10.0.0.1"), "192.0.2.1, 203.0.113.5", trusted) == at("203.0.113.5"));
  CHECK(net::client_of(at("10.0.0.1"), "192.0.2.1, nonsense", trusted) == at("10.0.0.1"));
}
