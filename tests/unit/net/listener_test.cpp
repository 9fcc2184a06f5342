#include "jobcast/net/listener.hpp"

#include <doctest/doctest.h>

using namespace jobcast;

TEST_CASE("an endpoint is named as it stands in a URL") {
  CHECK(net::name_of(*net::parse_endpoint("127.0.0.1:8080")) == "127.0.0.1:8080");
  CHECK(net::name_of(*net::parse_endpoint("[::1]:8080")) == "[::1]:8080");
}
