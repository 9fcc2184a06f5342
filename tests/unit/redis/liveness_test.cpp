#include "jobcast/redis/liveness.hpp"

#include <doctest/doctest.h>

using jobcast::redis::liveness;
using verdict = liveness::verdict;
using namespace std::chrono_literals;

namespace {

/// Ticks every second; five seconds of silence are too many.
struct watched {
  watched() { peer.begin(now); }
  verdict tick(bool awaited) {
    now += 1s;
    return peer.tick(now, awaited);
  }

  liveness::time_point now{};
  liveness peer{1'000ms, 5'000ms};
};

} // namespace

TEST_CASE("a quiet peer that owes nothing is pinged, a talking one is not") {
  watched w;
  CHECK(w.tick(false) == verdict::ping);
  w.peer.heard(w.now + 500ms);
  CHECK(w.tick(false) == verdict::fine);
  CHECK(w.tick(false) == verdict::ping);
}

TEST_CASE("a peer that owes an answer is not pinged again") {
  watched w;
  CHECK(w.tick(false) == verdict::ping);
  CHECK(w.tick(true) == verdict::fine);
}

TEST_CASE("silence while an answer is awaited is death once it has lasted long enough") {
  watched w;
  CHECK(w.tick(false) == verdict::ping);
  for (int i = 1; i < 5; ++i)
    CHECK(w.tick(true) == verdict::fine);
  CHECK(w.tick(true) == verdict::dead);
}

TEST_CASE("any bytes are a sign of life, even if the awaited answer is slow to come") {
  watched w;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(w.tick(true) == verdict::fine);
    if (i % 4 == 0)
      w.peer.heard(w.now);
  }
}

TEST_CASE("silence before anything was asked does not count") {
  liveness peer(10'000ms, 5'000ms);
  liveness::time_point now{};
  peer.begin(now);
  CHECK(peer.tick(now += 9s, false) == verdict::fine);
  CHECK(peer.tick(now += 9s, true) == verdict::fine);
  CHECK(peer.tick(now += 9s, true) == verdict::dead);
}

TEST_CASE("a process that was itself held up does not blame the peer") {
  watched w;
  CHECK(w.tick(true) == verdict::fine);
  w.now += 60s;
  CHECK(w.tick(true) == verdict::fine);
  for (int i = 1; i < 5; ++i)
    CHECK(w.tick(true) == verdict::fine);
  CHECK(w.tick(true) == verdict::dead);
}

TEST_CASE("a new connection starts with a clean slate") {
  watched w;
  for (int i = 0; i < 5; ++i)
    w.tick(true);
  w.peer.begin(w.now);
  CHECK(w.tick(true) == verdict::fine);
}
