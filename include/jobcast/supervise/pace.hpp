// When the supervisor is to be called next. Pure: times are given.
#pragma once

#include <chrono>
#include <cstdint>

namespace jobcast::supervise {

/// One call at a time: each second, so that a deadline is acted on within two, and at once while more is due.
class pace {
 public:
  using time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds every{1'000};

  explicit pace(time now)
      : next_(now) {}

  /// Whether to call now; the answer or its failure has to be told before the next.
  bool due(time now) const { return !asking_ && now >= next_; }
  /// How long nothing is to be done; `every` while an answer is awaited.
  std::chrono::steady_clock::duration wait(time now) const;

  void asked(time now);
  void answered(time now, std::int64_t still_due);
  /// Redis is away, or has no such function yet: trying harder is no use.
  void failed(time now);

 private:
  time next_;
  bool asking_ = false;
};

} // namespace jobcast::supervise
