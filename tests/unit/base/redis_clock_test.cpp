#include "jobcast/base/redis_clock.hpp"

#include <doctest/doctest.h>

using namespace jobcast;
using namespace std::chrono_literals;

namespace {
auto const begin = redis_clock::steady::now();
}

TEST_CASE("before Redis was asked the time is this machine's") {
  redis_clock const clock;
  auto const before = now_ms();
  auto const told = clock.now();
  CHECK(before <= told);
  CHECK(told <= now_ms());
}

TEST_CASE("Redis' time runs on between two questions, whatever clock this machine has") {
  redis_clock clock;
  clock.set(5'000, begin, begin);
  CHECK(clock.now(begin) == 5'000);
  CHECK(clock.now(begin + 90s) == 95'000);
}

TEST_CASE("an answer is taken to be of the middle of its way") {
  redis_clock clock;
  clock.set(5'000, begin, begin + 40ms);
  CHECK(clock.now(begin + 40ms) == 5'020);
}

TEST_CASE("a clock of Redis that was set right is followed") {
  redis_clock clock;
  clock.set(3'605'000, begin, begin);
  clock.set(6'000, begin + 1s, begin + 1s);
  CHECK(clock.now(begin + 2s) == 7'000);
}

TEST_CASE("an answer that was long under way is left out, unless nothing better comes") {
  redis_clock clock;
  clock.set(5'000, begin, begin);
  clock.set(9'000, begin + 1s, begin + 3s);
  CHECK(clock.now(begin + 3s) == 8'000);
  clock.set(50'000, begin + 9s, begin + 11s);
  CHECK(clock.now(begin + 11s) == 51'000);
}
