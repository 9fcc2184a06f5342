#include "jobcast/base/backoff.hpp"

#include <doctest/doctest.h>
#include <vector>

using jobcast::backoff;
using namespace std::chrono_literals;

TEST_CASE("the ceiling doubles with every failure, up to the cap") {
  backoff delay(50ms, 300ms, 1);
  for (auto ceiling : {50ms, 100ms, 200ms, 300ms, 300ms}) {
    CHECK(delay.ceiling() == ceiling);
    CHECK(delay.next() <= ceiling);
  }
}

TEST_CASE("delays are spread over the whole range, not just near the ceiling") {
  backoff delay(1'000ms, 1'000ms, 7);
  int low = 0, high = 0;
  for (int i = 0; i < 1'000; ++i) {
    auto d = delay.next();
    REQUIRE(d >= 0ms);
    REQUIRE(d <= 1'000ms);
    low += d < 250ms;
    high += d > 750ms;
  }
  CHECK(low > 150);
  CHECK(high > 150);
}

TEST_CASE("after success the next failure starts at the base") {
  backoff delay(50ms, 2'000ms, 1);
  for (int i = 0; i < 10; ++i)
    delay.next();
  delay.reset();
  CHECK(delay.ceiling() == 50ms);
}

TEST_CASE("equal seeds give equal delays, others do not") {
  auto ten = [](std::uint64_t seed) {
    backoff delay(1'000ms, 60'000ms, seed);
    std::vector<std::chrono::milliseconds> delays;
    for (int i = 0; i < 10; ++i)
      delays.push_back(delay.next());
    return delays;
  };
  CHECK(ten(1) == ten(1));
  CHECK(ten(1) != ten(2));
}

TEST_CASE("a cap below the base, or a base of nothing, is put right") {
  CHECK(backoff(100ms, 10ms, 1).ceiling() == 100ms);
  backoff delay(0ms, 0ms, 1);
  CHECK(delay.ceiling() == 1ms);
  delay.next();
  CHECK(delay.ceiling() == 1ms);
}
