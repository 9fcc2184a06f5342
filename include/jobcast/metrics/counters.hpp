// What a reactor counts. Written by that reactor's thread alone, read by any: no locked instruction on the hot path.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace jobcast::metrics {

/// A number with one writing thread; readable from any.
class counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void subtract(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Side fields of reports, by the names under which `ns:mended` counts them.
inline constexpr std::array<std::string_view, 28> side_fields{"by",
                                                              "current",
                                                              "error",
                                                              "error.action",
                                                              "error.code",
                                                              "error.detail",
                                                              "error.link",
                                                              "error.reference",
                                                              "error.retryable",
                                                              "error.severity",
                                                              "error.title",
                                                              "error.trace",
                                                              "eta",
                                                              "group_size",
                                                              "labels",
                                                              "lease",
                                                              "max_attempts",
                                                              "message",
                                                              "percent",
                                                              "progress",
                                                              "result",
                                                              "retry_at",
                                                              "retry_in",
                                                              "spend_attempt",
                                                              "step",
                                                              "total",
                                                              "unit",
                                                              "other"};

struct alignas(64) counters {
  counter connections;          ///< open now, of any kind
  counter connections_accepted; ///< ever
  counter connections_refused;  ///< over limits.connections or limits.connections_per_address
  counter body_bytes;           ///< held for clients: bodies and messages not complete, answers not sent
  counter tls_failures;         ///< handshakes that came to nothing
  counter handshakes_refused;   ///< connections closed before their TLS handshake, over limits.request_rate
  counter auth_refused;         ///< requests with credentials that are not good, or without any
  counter rate_limited;         ///< requests over limits.request_rate
  counter busy_refused;         ///< while only the reserve was left, or what is held for clients is at a limit
  counter streams_expired;      ///< streams that ended with their token or link
  counter streams;              ///< open event streams
  counter websockets;           ///< of the streams, those over WebSocket
  counter websocket_failures;   ///< closed for breaking the protocol
  counter websocket_dead;       ///< closed because pings went unanswered
  counter long_polls;           ///< requests held now
  counter watches;              ///< jobs watched
  counter feeds;                ///< owners watched
  counter events;               ///< received from Redis and new
  counter events_stale;         ///< received, of a version already known
  counter events_invalid;       ///< received and not of the contract's form
  counter deliveries;           ///< frames handed to sockets
  counter bytes_sent;           ///< on streams
  counter blocked;              ///< times a stream's socket took nothing more
  counter gaps;                 ///< `every` watchers that missed versions
  counter slow_closed;          ///< streams closed by limits.write_timeout
  counter requests;             ///< HTTP requests answered
  counter request_errors;       ///< of them, with 4xx or 5xx
  counter ingest_applied;       ///< PUBLISHed reports applied
  counter ingest_refused;       ///< PUBLISHed reports not applied
  counter ingest_waiting;       ///< PUBLISHed reports that wait to be applied now
  counter ingest_replaced;      ///< PUBLISHed progress that newer progress replaced while it waited
  counter ingest_shed;          ///< PUBLISHed progress for which there was no room
  counter ingest_interrupted;   ///< times the connection that brings them was lost
  counter reports_refused;      ///< whatever way they came, in the whole namespace
  std::array<counter, side_fields.size()> mended; ///< cut, clamped or left out, in the whole namespace
  counter jobs_stalled;                           ///< found silent by this gateway's supervisor
  counter jobs_requeued;                          ///< of them, given to another worker
  counter jobs_failed;                            ///< failed by it: stalled for good, or not started
  counter redis_connected;                        ///< 1 while both connections are up
  counter redis_losses;                           ///< times a connection was lost
  counter redis_rights_missing;                   ///< of the gateway's Redis user, as far as is known
  counter redis_rights_vital;                     ///< missing rights without which jobs cannot be written or read
  counter redis_rights_known;                     ///< 1 once they were asked for
  counter probe_at;                               ///< when the last probe came back, milliseconds since the epoch
};

/// What the notifier counts, by channel. Written by its thread alone.
struct notify_counters {
  struct channel {
    counter sent;       ///< arrived
    counter failed;     ///< tries that did not arrive
    counter dead;       ///< given up
    counter seen;       ///< not told, since someone saw the outcome in time
    counter unrecorded; ///< tries whose outcome Redis refused to record
  };
  channel webhook, email;
};

} // namespace jobcast::metrics
