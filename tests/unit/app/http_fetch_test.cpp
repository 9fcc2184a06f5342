#include "app/http_fetch.hpp"

#include <doctest/doctest.h>

using namespace jobcast::app;

TEST_CASE("a URL gives host, port and the path in front") {
  fetch_request request;
  CHECK(aim(request, "http://127.0.0.1:8080", "/api"));
  CHECK(request.host == "127.0.0.1");
  CHECK(request.port == "8080");
  CHECK(request.target == "/api");
  CHECK(aim(request, "http://[::1]:9/base/", "/api"));
  CHECK(request.host == "::1");
  CHECK(request.port == "9");
  CHECK(request.target == "/base/api");
  CHECK(aim(request, "http://[::1]", "/api"));
  CHECK(request.port == "80");
}

TEST_CASE("what is no plain http URL is refused") {
  fetch_request request;
  for (const auto bad : {"", "127.0.0.1:8080", "https://a", "http://", "http://:80", "http://a:", "http://a:x",
                         "http://a:65536", "http://user@a", "http://a?b", "http://a/b?c", "http://a b"}) {
    CAPTURE(bad);
    CHECK_FALSE(aim(request, bad, "/api"));
  }
}
