// What every stream of a reactor needs of it.
#pragma once

#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/base/redis_clock.hpp"
#include "jobcast/base/settings.hpp"
#include "jobcast/base/timing_wheel.hpp"
#include "jobcast/http/chunk.hpp"
#include "jobcast/hub/hub.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/net/admission.hpp"
#include "jobcast/stream/joint_sends.hpp"

#include <algorithm>
#include <boost/system/result.hpp>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

namespace jobcast::stream {

/// Outlives the streams. On the reactor's thread only.
struct host {
  hub::hub& hub;
  timing_wheel& wheel;
  const limit_settings& limits;
  metrics::counters& counters;
  net::admission& admission;
  /// Runs cancel, retry or seen (of that attempt, unless it is 0) on a job; `done` gets an empty text, or the problem
  /// document.
  std::function<void(const auth::identity_ptr& who, std::string_view op, const std::string& job, std::uint64_t attempt,
                     std::function<void(std::string problem)> done)>
      command{};
  /// Who a token stands for, or the problem document.
  std::function<boost::system::result<auth::identity_ptr, std::string>(std::string_view token)> authenticate{};
  batch due{};                  ///< for one flush after the other
  joint_sends* sends = nullptr; ///< while many streams are flushed together, and the gateway is to do it so
  complaint_gate stalled{std::chrono::minutes(1)};
  bool draining = false; ///< new streams are told so and end
  redis_clock clock{};
  hub::event_ptr time{}; ///< of time_now()
  timing_wheel::clock::time_point time_of{};
  std::minstd_rand random{std::random_device{}()};

  hub::event_ptr last_chunk = hub::event::raw(http::last_chunk); ///< ends a chunked stream

  /// A `time` event, encoded once for all streams whose turn it is in one tick of the wheel.
  const hub::event_ptr& time_now() {
    if (std::exchange(time_of, wheel.now()) != wheel.now() || !time)
      time = hub::event::time(clock.now());
    return time;
  }
  /// Half heartbeats between two of a stream: a minute, or one where that is longer.
  unsigned beats_between_times() const {
    return static_cast<unsigned>(std::max<std::int64_t>(1, 120'000 / limits.heartbeat.count()));
  }

  /// `retry:` in milliseconds, spread over one to two times limits.retry so that a crowd does not come back as one.
  unsigned jittered_retry() {
    auto const base = static_cast<unsigned>(limits.retry.count());
    return base + static_cast<unsigned>(random() % (base + 1));
  }

  /// The last word to a stream that ends because the gateway does.
  hub::event_ptr draining_notice() { return hub::event::gateway("draining", jittered_retry()); }
};

/// A place among the streams of the viewer, which is empty for who is none in particular; nothing if it has too many.
std::optional<net::admission::ticket> admit_stream(host& h, const auth::identity_ptr& who);

/// Whom bytes of a WebSocket from `address` are held for.
net::admission::client holder_of(const auth::identity_ptr& who, const asio::ip::address& address);

} // namespace jobcast::stream
