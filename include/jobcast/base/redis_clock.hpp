// The time as Redis has it.
//
// The problem: Redis stamps the records, viewers reckon with the times in them, and the clocks of Redis, gateway and
// viewer differ. So the gateway tells viewers Redis' time, and keeps that time itself between two questions.
#pragma once

#include "jobcast/base/clock.hpp"

#include <chrono>
#include <cstdint>

namespace jobcast {

/// One per reactor. Runs on the steady clock, so a step of this machine's wall clock changes nothing.
class redis_clock {
 public:
  using steady = std::chrono::steady_clock;

  /// Redis was asked at `asked`, and said `redis_ms` in an answer that came at `answered`. An answer that was long
  /// under way says little: it is left out, unless nothing better came for a while.
  void set(std::int64_t redis_ms, steady::time_point asked, steady::time_point answered) {
    auto const under_way = answered - asked;
    if (known_ && under_way > precise && answered - set_at_ < patience)
      return;
    known_ = true;
    set_at_ = answered;
    at_ = asked + under_way / 2;
    redis_ms_ = redis_ms;
  }

  /// Milliseconds since the epoch. Before the first set(): of this machine's wall clock.
  std::int64_t now(steady::time_point at = steady::now()) const {
    return known_ ? redis_ms_ + std::chrono::duration_cast<milliseconds>(at - at_).count() : now_ms();
  }

 private:
  static constexpr milliseconds precise{100}, patience{10'000};

  bool known_ = false;
  std::int64_t redis_ms_ = 0; ///< at `at_`
  steady::time_point at_{}, set_at_{};
};

} // namespace jobcast
