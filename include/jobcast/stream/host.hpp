// What every stream of a reactor needs of it.
#pragma once

#include "jobcast/base/settings.hpp"
#include "jobcast/base/timing_wheel.hpp"
#include "jobcast/hub/hub.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/net/send_ring.hpp"

#include <functional>
#include <random>
#include <string>
#include <string_view>

namespace jobcast::stream {

/// Outlives the streams. On the reactor's thread only.
struct host {
  hub::hub& hub;
  timing_wheel& wheel;
  const limit_settings& limits;
  metrics::counters& counters;
  /// Runs cancel, retry or seen on a job; `done` gets an empty text, or the problem document.
  std::function<void(std::string_view op, const std::string& job, std::function<void(std::string problem)> done)>
      command;
  /// Set while many streams are flushed together: what they send is to be queued there.
  net::send_ring* ring = nullptr;
  bool draining = false; ///< new streams are told so and end
  std::minstd_rand random{std::random_device{}()};

  /// `retry:` in milliseconds, spread over one to two times limits.retry so that a crowd does not come back as one.
  unsigned jittered_retry() {
    auto const base = static_cast<unsigned>(limits.retry.count());
    return base + static_cast<unsigned>(random() % (base + 1));
  }

  /// The last word to a stream that ends because the gateway does.
  hub::event_ptr draining_notice() { return hub::event::gateway("draining", jittered_retry()); }
};

} // namespace jobcast::stream
