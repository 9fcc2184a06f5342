// Tells outcomes that nobody saw, by webhook and e-mail. Every gateway runs one, on a thread of its own that shares
// nothing with the reactors; which of them makes a delivery is decided by a claim in Redis, which lapses if the gateway
// dies.
//
// At least once: a delivery that was made is recorded as made, so a second one happens only if the receiver's answer,
// or the gateway with it, was lost.
#pragma once

#include "jobcast/base/settings.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/redis/address.hpp"

#include <memory>

namespace jobcast::notify {

class notifier {
 public:
  /// Throws std::runtime_error if libcurl cannot be initialized. Make it before other threads start.
  notifier(const redis::address& where, const settings& config);
  ~notifier();

  /// Works until the drain is over. Call on the thread that is to be the notifier's.
  void run();
  /// Thread-safe. Takes over `[notify]`; tries that run keep what they began with.
  void reload(const settings& config);
  /// Thread-safe. Claims no more, and has run() return when what runs is over and recorded, at most after the drain
  /// timeout.
  void drain();
  /// Thread-safe. Ends run() at once.
  void stop();

  /// Readable from any thread while this lives.
  const metrics::notify_counters& counters() const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace jobcast::notify
