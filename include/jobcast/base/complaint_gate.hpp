// One line of the log for many of the same kind: what is faulty must not fill the disk with our complaints.
// Decides only; log::warning(gate, ...) and its like write what it lets through.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

  /// For a fault that lasts: `text` is told once, however long it goes on, until over(). Another text is a complaint
  /// like any other.
  std::optional<std::uint64_t> admit(clock::time_point now, std::string_view text) {
    if (lasting_ && *lasting_ == text) {
      ++kept_back_;
      return std::nullopt;
    }
    auto const kept_back = admit(now);
    if (kept_back)
      lasting_ = text;
    return kept_back;
  }

  /// The fault is over, and would be news if it came again.
  void over() { lasting_.reset(); }
  /// How many were kept back since the last one, for who tells it in another line.
  std::uint64_t take_kept_back() { return std::exchange(kept_back_, 0); }

 private:
  clock::duration every_;
  clock::time_point quiet_until_{};
  std::uint64_t kept_back_ = 0;
  std::optional<std::string> lasting_;
};

} // namespace jobcast
