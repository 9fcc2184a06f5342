#include "jobcast/supervise/pace.hpp"

#include <algorithm>

namespace jobcast::supervise {

std::chrono::steady_clock::duration pace::wait(time now) const {
  return asking_ ? every : std::max(next_ - now, std::chrono::steady_clock::duration::zero());
}

void pace::asked(time now) {
  asking_ = true;
  next_ = now + every;
}

void pace::answered(time now, std::int64_t still_due) {
  asking_ = false;
  if (still_due > 0)
    next_ = now;
}

void pace::failed(time now) {
  asking_ = false;
  next_ = now + every;
}

} // namespace jobcast::supervise
