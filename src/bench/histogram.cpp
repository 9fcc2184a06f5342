#include "histogram.hpp"

#include <algorithm>
#include <cmath>

namespace jobcast::bench {

std::int64_t histogram::at(double q) const {
  if (count_ == 0)
    return 0;
  auto const rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen < rank)
      continue;
    // Buckets beyond the first two powers hold 2^shift values each; the middle one stands for all.
    std::size_t const shift = i < (2u << fine_bits) ? 0 : (i >> fine_bits) - 1;
    std::uint64_t const low = (i - (shift << fine_bits)) << shift;
    return static_cast<std::int64_t>(std::min(max_, low + ((std::uint64_t(1) << shift) >> 1)));
  }
  return max();
}

} // namespace jobcast::bench
