#include "app/http_fetch.hpp"

#include <doctest/doctest.h>

using namespace jobcast::app;

TEST_CASE("a path goes behind the URL, and behind the path that it has") {
  fetch_request request;
  CHECK(aim(request, "http://127.0.0.1:8080", "/api"));
  CHECK(request.url == "http://127.0.0.1:8080/api");
  CHECK(aim(request, "http://[::1]:9/base/", "/api"));
  CHECK(request.url == "http://[::1]:9/base/api");
  CHECK(aim(request, "https://jobs.example.com", "/api"));
  CHECK(request.url == "https://jobs.example.com/api");
}

TEST_CASE("what is no plain http or https URL is refused") {
  fetch_request request;
  for (const auto bad :
       {"", "127.0.0.1:8080", "ftp://a", "http://", "https://", "http://:80", "http://a:", "http://a:x",
        "http://a:65536", "http://user@a", "http://a?b", "http://a/b?c", "http://a/#b", "http://a b"}) {
    CAPTURE(bad);
    CHECK_FALSE(aim(request, bad, "/api"));
  }
}

TEST_CASE("nobody who listens is told apart from a connection that was lost") {
  fetch_request request;
  CHECK(aim(request, "http://127.0.0.1:1", "/api"));
  const auto got = fetch(request, [](unsigned, std::string_view) { return true; });
  CHECK(!got.has_value());
  CHECK(!got.error().connected);
  CHECK(!got.error().why.empty());
}
