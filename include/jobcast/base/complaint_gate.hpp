// One line of the log for many of the same kind: what is faulty must not fill the disk with our complaints.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace jobcast {

/// One thread uses it.
class complaint_gate {
 public:
  using clock = std::chrono::steady_clock;

  explicit complaint_gate(clock::duration every)
      : every_(every) {}

  /// Nothing if this complaint is to be kept back; else how many were since the last one that was not.
  std::optional<std::uint64_t> admit(clock::time_point now) {
    if (now < quiet_until_) {
      ++kept_back_;
      return std::nullopt;
    }
    quiet_until_ = now + every_;
    return std::exchange(kept_back_, 0);
  }

 private:
  clock::duration every_;
  clock::time_point quiet_until_{};
  std::uint64_t kept_back_ = 0;
};

} // namespace jobcast
