// How much of what bodies may take together one request takes.
#pragma once

#include "jobcast/metrics/counters.hpp"

#include <cstddef>
#include <utility>

namespace jobcast::http {

/// Gives it back at the latest when the request is over.
class body_share {
 public:
  explicit body_share(metrics::counter& all)
      : all_(all) {}
  ~body_share() { give_back(); }
  body_share(body_share&&) = delete;

  void grow(std::size_t to) {
    if (to <= held_)
      return;
    all_.add(to - held_);
    held_ = to;
  }
  void give_back() { all_.subtract(std::exchange(held_, 0)); }

 private:
  metrics::counter& all_;
  std::size_t held_ = 0;
};

} // namespace jobcast::http
