// Durations, counted in buckets that grow with the value: any number of them in 24 KiB, each off by less than 1 %.
// Pure.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace jobcast::bench {

class histogram {
 public:
  /// Nanoseconds; negative ones count as 0, those beyond 4 hours as that.
  void add(std::int64_t ns) {
    auto const value = static_cast<std::uint64_t>(ns < 0 ? 0 : ns > longest ? longest : ns);
    ++counts_[bucket_of(value)];
    ++count_;
    if (value > max_)
      max_ = value;
  }

  std::uint64_t count() const { return count_; }
  std::int64_t max() const { return static_cast<std::int64_t>(max_); }

  /// The value that a share `q` (0 to 1) of all is not above; 0 if there are none.
  std::int64_t at(double q) const;

 private:
  static constexpr std::int64_t longest = 4ll * 3'600 * 1'000'000'000;
  // 64 buckets for each power of two.
  static constexpr unsigned fine_bits = 6;
  static constexpr std::size_t bucket_count = (64 - fine_bits) << fine_bits;

  static std::size_t bucket_of(std::uint64_t value) {
    auto const width = static_cast<unsigned>(std::bit_width(value));
    if (width <= fine_bits + 1)
      return static_cast<std::size_t>(value);
    unsigned const shift = width - fine_bits - 1;
    return (static_cast<std::size_t>(shift) << fine_bits) + static_cast<std::size_t>(value >> shift);
  }

  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

} // namespace jobcast::bench
