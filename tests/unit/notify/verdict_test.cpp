#include "jobcast/notify/verdict.hpp"

#include <doctest/doctest.h>
#include <vector>

using namespace jobcast::notify;
using namespace std::chrono_literals;
using kind = verdict::kind;

namespace {

constexpr std::int64_t now = 1'792'000'000'000;

verdict webhook(long status, std::string retry_after = {}) {
  return judge_webhook({.arrived = true, .status = status, .retry_after = std::move(retry_after)}, now);
}

} // namespace

TEST_CASE("a webhook has arrived when the receiver answers 2xx") {
  CHECK(webhook(200).what == kind::sent);
  CHECK(webhook(204).what == kind::sent);
}

TEST_CASE("whatever else a receiver answers is tried again") {
  for (long const status : {100, 301, 302, 307, 400, 401, 403, 404, 408, 429, 500, 503}) {
    CAPTURE(status);
    auto const v = webhook(status);
    CHECK(v.what == kind::retry);
    CHECK(v.why.find(std::to_string(status)) != std::string::npos);
  }
  CHECK(judge_webhook({.error = "timed out"}, now).what == kind::retry);
}

TEST_CASE("410 Gone disables the endpoint") {
  CHECK(webhook(410).what == kind::disable);
}

TEST_CASE("an address that may not be reached is not tried again") {
  auto const v = judge_webhook({.error = "10.0.0.1 is internal", .forbidden = true}, now);
  CHECK(v.what == kind::dead);
  CHECK(v.why == "10.0.0.1 is internal");
}

TEST_CASE("429 and 503 say when to come back") {
  CHECK(webhook(429, "120").not_before == 120s);
  CHECK(webhook(503, "0").not_before == 0s);
  CHECK_FALSE(webhook(500, "120").not_before);
  CHECK_FALSE(webhook(429, "soon").not_before);
  CHECK_FALSE(webhook(429).not_before);
}

TEST_CASE("Retry-After is seconds or a date, and a day at most") {
  CHECK(parse_retry_after("7", now) == 7s);
  CHECK(parse_retry_after("99999999", now) == 24h);
  CHECK(parse_retry_after("99999999999999999999999", now) == 24h);
  constexpr std::int64_t noon = 784'111'777'000; // the RFC's example
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", noon - 5'000) == 5s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", noon + 5'000) == 0s);
  for (auto const wrong : {"", "-1", "1.5", "in a minute"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_retry_after(wrong, now));
  }
}

TEST_CASE("a relay that refuses the message or its recipient is not asked again") {
  CHECK(judge_email({.arrived = true, .status = 250}).what == kind::sent);
  CHECK(judge_email({.status = 550, .error = "no such user"}).what == kind::dead);
  CHECK(judge_email({.status = 450, .error = "try later"}).what == kind::retry);
  CHECK(judge_email({.error = "connection refused"}).what == kind::retry);
  CHECK(judge_email({.status = 535, .error = "bad password"}).what == kind::retry);
}

TEST_CASE("pauses follow the schedule, stretched by up to a fifth, until it is used up") {
  std::vector<std::chrono::milliseconds> const schedule{5s, 5min};
  CHECK(pause_after(1, schedule, {}, 0) == 5s);
  CHECK(pause_after(1, schedule, {}, 1000) == 6s);
  CHECK(pause_after(2, schedule, {}, 0) == 5min);
  CHECK_FALSE(pause_after(3, schedule, {}, 0));
  CHECK_FALSE(pause_after(1, {}, {}, 0));
  for (std::uint32_t random = 0; random < 5000; ++random) {
    auto const pause = pause_after(2, schedule, {}, random);
    CHECK((pause >= 5min && pause <= 6min));
  }
}

TEST_CASE("a receiver may ask for a longer pause, not for a shorter one") {
  std::vector<std::chrono::milliseconds> const schedule{5s};
  CHECK(pause_after(1, schedule, 60s, 0) == 60s);
  CHECK(pause_after(1, schedule, 1s, 0) == 5s);
}
