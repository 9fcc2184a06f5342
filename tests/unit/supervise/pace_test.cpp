#include "jobcast/supervise/pace.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using jobcast::supervise::pace;

namespace {
constexpr pace::time start{};
}

TEST_CASE("pace: calls at once, and then each second") {
  pace p(start);
  CHECK(p.due(start));
  p.asked(start);
  p.answered(start + 3ms, 0);
  CHECK_FALSE(p.due(start + 999ms));
  CHECK(p.wait(start + 3ms) == 997ms);
  CHECK(p.due(start + 1s));
}

TEST_CASE("pace: goes on without a pause while more is due") {
  pace p(start);
  p.asked(start);
  p.answered(start + 5ms, 70'000);
  CHECK(p.due(start + 5ms));
  CHECK(p.wait(start + 5ms) == 0ms);
}

TEST_CASE("pace: one call at a time") {
  pace p(start);
  p.asked(start);
  CHECK_FALSE(p.due(start + 10s));
  CHECK(p.wait(start + 10s) == pace::every);
}

TEST_CASE("pace: waits a second after a failure, whatever was due before") {
  pace p(start);
  p.asked(start);
  p.failed(start + 4s);
  CHECK_FALSE(p.due(start + 4'999ms));
  CHECK(p.due(start + 5s));
}
