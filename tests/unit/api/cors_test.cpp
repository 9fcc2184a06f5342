#include "jobcast/api/cors.hpp"

#include <doctest/doctest.h>

using namespace jobcast;
using namespace jobcast::api;

namespace {
cors_settings const listed{{"https://app.example.com"}};
}

TEST_CASE("a name that a site can have resolve to this machine is not this machine's") {
  cors_settings const cors{{"https://app.example.com", "http://dev.example.com:8080"}};
  for (const char* ours : {"127.0.0.1:8080", "localhost", "localhost:8080", "[::1]:8080", "x", "gateway:80",
                           "app.localhost:8080", "app.example.com", "dev.example.com:8080", ""})
    CHECK_MESSAGE(api::names_this_machine(cors, ours), ours);
  for (const char* other : {"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example",
                            "dev.example.com", "app.example.com.evil.example"})
    CHECK_MESSAGE(!api::names_this_machine(cors, other), other);
}

TEST_CASE("an origin is allowed only exactly as listed") {
  CHECK(origin_allowed(listed, "https://app.example.com"));
  for (auto other : {"", "null", "*", "http://app.example.com", "https://app.example.com:443",
                     "https://app.example.com.evil.org", "https://evil.org", "HTTPS://APP.EXAMPLE.COM"})
    CHECK_FALSE(origin_allowed(listed, other));
}

TEST_CASE("commands come from no page, from the gateway's own, or from a listed one") {
  CHECK(may_command(listed, "", "127.0.0.1:8080"));
  CHECK(may_command(listed, "http://127.0.0.1:8080", "127.0.0.1:8080"));
  CHECK(may_command(listed, "https://app.example.com", "127.0.0.1:8080"));
  CHECK_FALSE(may_command(listed, "http://127.0.0.1:8081", "127.0.0.1:8080"));
  CHECK_FALSE(may_command(listed, "null", "127.0.0.1:8080"));
  CHECK_FALSE(may_command(listed, "https://evil.org", "127.0.0.1:8080"));
}

TEST_CASE("headers name the one origin, with credentials, never a star") {
  std::string const headers = cors_headers(listed, "https://app.example.com");
  CHECK(headers.find("Access-Control-Allow-Origin: https://app.example.com\r\n") != std::string::npos);
  CHECK(headers.find("Access-Control-Expose-Headers: Date, ETag, Retry-After, Location\r\n") != std::string::npos);
  CHECK(headers.find('*') == std::string::npos);
  CHECK(cors_headers(listed, "https://evil.org").empty());
}

namespace {
constexpr std::string_view own = "Access-Control-Allow-Headers: Authorization, Content-Type, If-None-Match, Prefer, "
                                 "Idempotency-Key, Last-Event-ID";

bool grants(std::string_view requested, std::string_view further) {
  return preflight_headers(requested).find(std::string(own).append(further).append("\r\n")) != std::string::npos;
}
} // namespace

TEST_CASE("a preflight is granted the headers that it asks for, beside those of the API") {
  CHECK(grants("x-requested-with", ", x-requested-with"));
  CHECK(grants("cache-control,traceparent, baggage , sentry-trace",
               ", cache-control, traceparent, baggage, sentry-trace"));
  CHECK(grants("", ""));
}

TEST_CASE("what is no list of header names is not sent back") {
  for (std::string requested :
       {std::string(","), std::string("a,,b"), std::string("a b"), std::string("a:"), std::string("a,"),
        std::string("a\r\nX-Evil: 1"), std::string("a,\x80"), std::string(5'000, 'x')})
    CHECK_MESSAGE(grants(requested, ""), requested);
}

TEST_CASE("a preflight's answer is of its origin and headers alone") {
  CHECK(preflight_headers("a").find("Vary: Origin, Access-Control-Request-Headers\r\n") != std::string::npos);
}
