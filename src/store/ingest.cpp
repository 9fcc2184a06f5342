#include "jobcast/store/ingest.hpp"

#include "jobcast/base/byte_order_mark.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/job/report_json.hpp"
#include "jobcast/store/store.hpp"

namespace jobcast::store {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

// A successor must have taken over 3 s after the holder's death: the lease plus one tick is less.
constexpr auto lease = 2'500ms;
constexpr auto tick_length = 250ms;

} // namespace

ingest::ingest(executor ex, const redis::address& where, redis::client& client, std::string ns, std::string holder,
               metrics::counters& counters)
    : client_(client)
    , subscriber_(ex, where, *this)
    , timer_(ex)
    , ns_(std::move(ns))
    , holder_(std::move(holder))
    , prefix_(ns_ + ":report:")
    , counters_(counters) {}

ingest::~ingest() {
  *alive_ = false;
}

void ingest::start() {
  subscriber_.start();
  tick();
}

void ingest::stop() {
  stopped_ = true;
  timer_.cancel();
  if (holding_ && client_.connected()) {
    releasing_ = true;
    client_.call({"FCALL", "jobcast_lease", "1", ns_, "ingest", holder_, "0"},
                 [this, alive = alive_](error_code, redis::reply_view) {
                   if (*alive)
                     releasing_ = false;
                 });
  }
  hold(false);
  subscriber_.stop();
}

void ingest::tick() {
  if (stopped_)
    return;
  if (holding_ && clock::now() >= held_until_)
    hold(false);
  ask();
  timer_.expires_after(tick_length);
  timer_.async_wait([this, alive = alive_](error_code ec) {
    if (!ec && *alive)
      tick();
  });
}

void ingest::ask() {
  auto const asked_at = clock::now();
  client_.call({"FCALL", "jobcast_lease", "1", ns_, "ingest", holder_, std::to_string(lease / 1ms)},
               [this, alive = alive_, asked_at](error_code ec, redis::reply_view reply) {
                 if (!*alive || stopped_ || ec || reply.is_error())
                   return;
                 if (reply.integer() == 1)
                   held_until_ = asked_at + lease;
                 hold(reply.integer() == 1);
               });
}

void ingest::hold(bool now) {
  if (now == holding_)
    return;
  holding_ = now;
  log::info("{} the lease to apply published reports", now ? "took" : "no longer hold");
  if (now)
    subscriber_.psubscribe(prefix_ + "*");
  else
    subscriber_.punsubscribe(prefix_ + "*");
}

void ingest::on_message(std::string_view channel, std::string_view payload) {
  // Frozen for longer than the lease, and thawed with messages in the socket: another has applied them.
  if (!holding_ || clock::now() >= held_until_)
    return;
  apply(channel.substr(std::min(prefix_.size(), channel.size())), payload);
}

void ingest::apply(std::string_view id, std::string_view payload) {
  auto const refuse_here = [&](std::string_view field, const std::string& reason) {
    store::keep_refused(client_, ns_, id, field, reason);
    counters_.ingest_refused.add();
  };
  if (!job::is_job_id(id))
    return refuse_here("id", "the channel does not end in a job id");
  auto report = job::report_from_json(without_byte_order_mark(payload));
  if (!report)
    return refuse_here(report.error().field, report.error().detail);
  auto const call = store::report_call(ns_, id, report->fields);
  std::vector<std::string_view> const views(call.begin(), call.end());
  client_.call(views, [this, alive = alive_, job = std::string(id)](error_code ec, redis::reply_view reply) {
    if (!*alive)
      return;
    if (auto const done = store::read_report(ec, reply); !done)
      refuse(job, done.error());
    else
      counters_.ingest_applied.add();
  });
}

// What is refused for its content is kept in `ns:refused`, and told from there.
void ingest::refuse(std::string_view id, const failure& why) {
  counters_.ingest_refused.add();
  if (why.what == failure::kind::refused)
    return;
  auto const kept_back = complaints_.admit(clock::now());
  if (!kept_back)
    return;
  std::string const more = *kept_back == 0 ? "" : fmt::format(" ({} more since the last line)", *kept_back);
  log::warning("a report published for job '{}' was not applied: {}{}", id.substr(0, 128), why.detail, more);
}

} // namespace jobcast::store
