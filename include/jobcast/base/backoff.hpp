// How long to wait before trying again.
//
// When a server comes back, everybody who lost it tries again; delays that only double keep them all in step. Full
// jitter spreads them: the delay is uniform between 0 and a ceiling that doubles with every failure up to a cap.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace jobcast {

/// Decides only; the caller owns the timer. Equal seeds give equal delays.
class backoff {
 public:
  using milliseconds = std::chrono::milliseconds;

  /// The first ceiling is `base`; base and cap are at least 1 ms.
  backoff(milliseconds base, milliseconds cap, std::uint64_t seed = std::random_device{}())
      : base_(std::max(base, milliseconds(1)))
      , cap_(std::max(cap, base_))
      , ceiling_(base_)
      , random_(static_cast<std::uint32_t>(seed ^ (seed >> 32))) {}

  /// The delay before the next try, 0 to the ceiling inclusive; raises the ceiling.
  milliseconds next() {
    std::uniform_int_distribution<milliseconds::rep> spread(0, ceiling_.count());
    ceiling_ = ceiling_ > cap_ / 2 ? cap_ : ceiling_ * 2;
    return milliseconds(spread(random_));
  }

  /// What was tried has worked: the next failure starts at the base again.
  void reset() { ceiling_ = base_; }

  /// The longest that next() may answer now.
  milliseconds ceiling() const { return ceiling_; }

 private:
  milliseconds base_, cap_, ceiling_;
  std::minstd_rand random_;
};

} // namespace jobcast
