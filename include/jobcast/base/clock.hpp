// Time as the contracts have it: integer milliseconds since the epoch, UTC.
#pragma once

#include <chrono>
#include <cstdint>

namespace jobcast {

using std::chrono::milliseconds;

/// Wall clock, milliseconds since the epoch. May step; use steady_clock to measure spans.
inline std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

} // namespace jobcast
