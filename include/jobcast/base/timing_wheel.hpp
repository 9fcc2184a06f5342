// Timeouts for many thousands of connections without a timer each: a hashed wheel of intrusive entries, advanced by one
// tick of the reactor. Arming and disarming are a list insert and a list erase. Deadlines are coarse: an entry is
// called within one tick after its deadline, never before.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace jobcast {

/// Base of what waits for a deadline. Disarms itself when destroyed.
class wheel_entry
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// The deadline has passed. The entry is disarmed; it may arm itself again or be destroyed here.
  virtual void on_deadline() = 0;

  bool armed() const { return is_linked(); }
  void disarm() {
    if (is_linked())
      unlink();
  }

 protected:
  ~wheel_entry() = default;

 private:
  friend class timing_wheel;
  std::uint64_t due_ = 0;
};

/// Not thread-safe: one per reactor. The clock is the caller's, so tests move it by hand.
class timing_wheel {
 public:
  using clock = std::chrono::steady_clock;

  explicit timing_wheel(clock::time_point now, std::chrono::milliseconds tick = std::chrono::milliseconds(100));
  ~timing_wheel();

  /// (Re)arms `entry` to be called `delay` from the time of the last advance().
  void arm(wheel_entry& entry, std::chrono::milliseconds delay);

  /// Calls entries that are due at `now`, after looking at `most` at most. Answers whether that was all: if not, call
  /// it again soon, with anything urgent in between.
  bool advance(clock::time_point now, std::size_t most = std::numeric_limits<std::size_t>::max());

  /// The time of the last advance(): cheap, and exact to a tick.
  clock::time_point now() const { return now_; }
  std::chrono::milliseconds tick() const { return tick_; }

 private:
  using slot = boost::intrusive::list<wheel_entry, boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t slot_count = 1024;

  std::uint64_t tick_of(clock::time_point at) const;

  std::chrono::milliseconds tick_;
  clock::time_point start_, now_;
  std::uint64_t current_ = 0; ///< the tick whose slot was taken last
  std::vector<slot> slots_;
  slot taken_; ///< of that slot, and not looked at yet
};

} // namespace jobcast
