#include "jobcast/metrics/exposition.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace jobcast::metrics {

namespace {

struct description {
  counter counters::*member;
  prometheus::MetricType type;
  const char* name;
  const char* help;
};

constexpr auto gauge = prometheus::MetricType::Gauge;
constexpr auto total = prometheus::MetricType::Counter;

constexpr description descriptions[] = {
    {&counters::connections, gauge, "jobcast_connections", "Client connections open now."},
    {&counters::connections_accepted, total, "jobcast_connections_accepted_total", "Client connections accepted."},
    {&counters::connections_refused, total, "jobcast_connections_refused_total",
     "Client connections over limits.connections or limits.connections_per_address."},
    {&counters::body_bytes, gauge, "jobcast_body_bytes",
     "Bytes held for clients: bodies and messages not complete, answers not sent (limits.bodies)."},
    {&counters::tls_failures, total, "jobcast_tls_failures_total", "TLS handshakes that came to nothing."},
    {&counters::handshakes_refused, total, "jobcast_tls_handshakes_refused_total",
     "Connections closed before their TLS handshake, over limits.request_rate."},
    {&counters::auth_refused, total, "jobcast_auth_refused_total", "Requests without the credentials they need."},
    {&counters::rate_limited, total, "jobcast_rate_limited_total", "Requests over limits.request_rate."},
    {&counters::busy_refused, total, "jobcast_busy_refused_total",
     "Requests while only limits.reserve was left, streams and polls over limits.streams_per_owner, and what was over "
     "limits.bodies or limits.held_per_client."},
    {&counters::streams_expired, total, "jobcast_streams_expired_total",
     "Streams that ended with their token or link."},
    {&counters::streams, gauge, "jobcast_streams", "Event streams open now."},
    {&counters::websockets, gauge, "jobcast_websockets", "Of the streams, those over WebSocket."},
    {&counters::websocket_failures, total, "jobcast_websocket_failures_total",
     "WebSockets closed for breaking the protocol."},
    {&counters::websocket_dead, total, "jobcast_websocket_dead_total",
     "WebSockets closed because pings went unanswered."},
    {&counters::long_polls, gauge, "jobcast_long_polls", "Requests held by Prefer: wait now."},
    {&counters::watches, gauge, "jobcast_watched_jobs", "Jobs watched now, per reactor, summed."},
    {&counters::feeds, gauge, "jobcast_watched_owners", "Owners watched now, per reactor, summed."},
    {&counters::events, total, "jobcast_events_total", "Events received from Redis that were news."},
    {&counters::events_stale, total, "jobcast_events_stale_total", "Events received of a version already known."},
    {&counters::events_invalid, total, "jobcast_events_invalid_total",
     "Messages on event channels that are no events."},
    {&counters::deliveries, total, "jobcast_deliveries_total", "Events sent to watchers."},
    {&counters::bytes_sent, total, "jobcast_stream_bytes_total", "Bytes sent on streams."},
    {&counters::blocked, total, "jobcast_stream_blocked_total", "Times a stream's socket took no more."},
    {&counters::gaps, total, "jobcast_stream_gaps_total", "Times a watcher could not be given every version."},
    {&counters::slow_closed, total, "jobcast_streams_slow_closed_total", "Streams closed by limits.write_timeout."},
    {&counters::requests, total, "jobcast_requests_total", "HTTP requests answered."},
    {&counters::request_errors, total, "jobcast_request_errors_total", "HTTP requests answered with 4xx or 5xx."},
    {&counters::ingest_applied, total, "jobcast_published_reports_applied_total", "Reports taken in by PUBLISH."},
    {&counters::ingest_refused, total, "jobcast_published_reports_refused_total",
     "Published reports that were refused."},
    {&counters::ingest_waiting, gauge, "jobcast_published_reports_waiting",
     "Published reports that wait to be applied now."},
    {&counters::ingest_replaced, total, "jobcast_published_reports_replaced_total",
     "Published progress that newer progress of the job replaced while it waited."},
    {&counters::ingest_shed, total, "jobcast_published_reports_shed_total",
     "Published progress that was dropped because too many reports waited."},
    {&counters::ingest_interrupted, total, "jobcast_published_reports_interrupted_total",
     "Times the connection that brings published reports was lost, and with it what was published meanwhile."},
    {&counters::reports_refused, total, "jobcast_reports_refused_total",
     "Reports refused, whatever way they came, in the whole namespace (`jobcast refused`)."},
    {&counters::redis_rights_missing, gauge, "jobcast_redis_rights_missing",
     "Rights that the gateway's Redis user lacks; the log names them."},
    {&counters::jobs_stalled, total, "jobcast_jobs_stalled_total", "Jobs whose worker fell silent."},
    {&counters::jobs_requeued, total, "jobcast_jobs_requeued_total", "Stalled jobs given to another worker."},
    {&counters::jobs_failed, total, "jobcast_jobs_failed_by_supervisor_total",
     "Jobs failed because their worker stayed silent or nobody started them."},
    {&counters::redis_connected, gauge, "jobcast_redis_connected_reactors",
     "Reactors whose connections to Redis are up."},
    {&counters::redis_losses, total, "jobcast_redis_losses_total", "Times a reactor lost Redis."},
};

struct notify_description {
  counter notify_counters::channel::*member;
  const char* name;
  const char* help;
};

constexpr notify_description notify_descriptions[] = {
    {&notify_counters::channel::sent, "jobcast_notifications_sent_total", "Notifications that arrived."},
    {&notify_counters::channel::failed, "jobcast_notifications_failed_total",
     "Tries to deliver a notification that failed."},
    {&notify_counters::channel::dead, "jobcast_notifications_dead_total", "Notifications that became dead letters."},
    {&notify_counters::channel::seen, "jobcast_notifications_seen_total",
     "Notifications not sent because the outcome was seen in time."},
    {&notify_counters::channel::unrecorded, "jobcast_notifications_unrecorded_total",
     "Tries whose outcome Redis refused to record, so that they are made again."},
};

prometheus::ClientMetric of_channel(const char* name, const counter& value) {
  prometheus::ClientMetric metric;
  metric.label.push_back({"channel", name});
  metric.counter.value = static_cast<double>(value.get());
  return metric;
}

prometheus::MetricFamily mended_fields(std::span<const counters* const> reactors) {
  prometheus::MetricFamily family{"jobcast_report_fields_mended_total",
                                  "Side fields of reports that were cut, clamped or left out, in the whole namespace.",
                                  total,
                                  {}};
  for (std::size_t i = 0; i < side_fields.size(); ++i) {
    prometheus::ClientMetric metric;
    metric.label.push_back({"field", std::string(side_fields[i])});
    for (const counters* one : reactors)
      metric.counter.value += static_cast<double>(one->mended[i].get());
    if (metric.counter.value > 0)
      family.metric.push_back(std::move(metric));
  }
  return family;
}

} // namespace

std::string exposition(std::span<const counters* const> reactors, const notify_counters* notify) {
  std::vector<prometheus::MetricFamily> families;
  for (const description& d : descriptions) {
    double sum = 0;
    for (const counters* one : reactors)
      sum += static_cast<double>((one->*d.member).get());
    prometheus::ClientMetric metric;
    (d.type == gauge ? metric.gauge.value : metric.counter.value) = sum;
    families.push_back({d.name, d.help, d.type, {metric}});
  }
  if (prometheus::MetricFamily mended = mended_fields(reactors); !mended.metric.empty())
    families.push_back(std::move(mended));
  if (notify)
    for (const notify_description& d : notify_descriptions)
      families.push_back(
          {d.name,
           d.help,
           total,
           {of_channel("webhook", notify->webhook.*d.member), of_channel("email", notify->email.*d.member)}});
  return prometheus::TextSerializer().Serialize(families);
}

} // namespace jobcast::metrics
