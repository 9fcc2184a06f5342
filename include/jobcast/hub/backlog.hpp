// What a link has to deliver besides its topic's newest event.
//
// For who wants every version of a busy job such a backlog comes and goes in every turn, so they are used again: what
// is delivered in each turn must not allocate.
#pragma once

#include "jobcast/hub/event.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace jobcast::hub {

/// A queue of events.
class backlog {
 public:
  bool empty() const { return first_ == events_.size(); }
  std::size_t size() const { return events_.size() - first_; }
  const event_ptr& at(std::size_t i) const { return events_[first_ + i]; }
  void push(event_ptr e) { events_.push_back(std::move(e)); }
  void pop() {
    events_[first_++].reset();
    if (empty())
      clear();
    else if (first_ == most_popped)
      events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(std::exchange(first_, 0)));
  }
  void clear() {
    events_.clear();
    first_ = 0;
  }

  std::size_t bytes = 0;     ///< of what is in it
  std::uint64_t skipped = 0; ///< job events that gave way to a `gap`

 private:
  friend class spare_backlogs;
  // Places of what is gone that are kept before the rest moves up.
  static constexpr std::size_t most_popped = 64;

  std::vector<event_ptr> events_;
  std::size_t first_ = 0;
};

/// Empty ones, to be used again.
class spare_backlogs {
 public:
  std::unique_ptr<backlog> take() {
    if (spare_.empty())
      return std::make_unique<backlog>();
    auto taken = std::move(spare_.back());
    spare_.pop_back();
    least_ = std::min(least_, spare_.size());
    return taken;
  }
  void give_back(std::unique_ptr<backlog> used) {
    if (spare_.size() == most || used->events_.capacity() > most_capacity)
      return;
    used->clear();
    used->bytes = 0;
    used->skipped = 0;
    spare_.push_back(std::move(used));
  }
  std::size_t count() const { return spare_.size(); }
  /// Call now and then: lets go of half of those that were not needed since the last time.
  void trim() {
    spare_.resize(spare_.size() - (least_ + 1) / 2);
    least_ = spare_.size();
  }

 private:
  static constexpr std::size_t most = 16'384, most_capacity = 64;

  std::vector<std::unique_ptr<backlog>> spare_;
  std::size_t least_ = 0; ///< that were there at any time since trim()
};

} // namespace jobcast::hub
