// Whether the peer still lives, from what was heard and when. No I/O, no clock: times are handed in.
//
// A peer whose machine vanished sends no FIN; what is written goes into the kernel and is waited for in vain. So an
// idle connection is pinged, and one that owes an answer and says nothing for too long is given up.
#pragma once

#include <chrono>
#include <optional>

namespace jobcast::redis {

class liveness {
 public:
  using milliseconds = std::chrono::milliseconds;
  using time_point = std::chrono::steady_clock::time_point;
  enum class verdict {
    fine,
    ping, ///< nothing is awaited and nothing was heard for a while: ask
    dead, ///< give the connection up
  };

  liveness(milliseconds ping_every, milliseconds dead_after)
      : ping_every_(ping_every)
      , dead_after_(dead_after) {}

  /// A connection is there.
  void begin(time_point now) {
    heard_ = ticked_ = now;
    silent_since_.reset();
  }

  /// Some bytes came, be they a whole reply or not.
  void heard(time_point now) {
    heard_ = now;
    if (silent_since_)
      silent_since_ = now;
  }

  /// To be called about every `ping_every`. `awaited`: the peer owes an answer.
  verdict tick(time_point now, bool awaited) {
    // A late tick means that this process was held up (stopped, swapped out); that says nothing about the peer.
    bool held_up = now - ticked_ > 2 * ping_every_;
    ticked_ = now;
    if (!awaited) {
      bool quiet = now - heard_ >= ping_every_;
      silent_since_ = quiet ? std::optional(now) : std::nullopt;
      return quiet ? verdict::ping : verdict::fine;
    }
    if (!silent_since_ || held_up)
      silent_since_ = now;
    return now - *silent_since_ >= dead_after_ ? verdict::dead : verdict::fine;
  }

 private:
  milliseconds ping_every_, dead_after_;
  time_point heard_{}, ticked_{};
  std::optional<time_point> silent_since_; ///< since when an answer is known to be awaited with nothing heard
};

} // namespace jobcast::redis
