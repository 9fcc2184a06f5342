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
// Reports under way: enough for Redis never to wait for us, and 1 to 3 ms of its time, which all others may wait for.
constexpr std::size_t most_unanswered = 64;
// Large results take Redis longer: 20 ms for 64 KiB.
constexpr std::size_t most_unanswered_bytes = 64 * 1024;
// A turn of this connection is to be short: others on this thread are watched by people.
constexpr std::size_t read_per_turn = 32 * 1024;

redis::connection_options options_for(std::string_view purpose) {
  redis::connection_options out;
  out.read_per_turn = read_per_turn;
  out.purpose = purpose;
  return out;
}

} // namespace

ingest::ingest(executor ex, const redis::address& where, redis::client& client, std::string ns, std::string holder,
               metrics::counters& counters, report_queue::limits most)
    : client_(client)
    , reports_(ex, where, options_for("published reports, to be applied"))
    , subscriber_(ex, where, *this, options_for("published reports"))
    , timer_(ex)
    , ns_(std::move(ns))
    , holder_(std::move(holder))
    , prefix_(ns_ + ":report:")
    , counters_(counters)
    , waiting_(most) {
  reports_.on_change([this](bool connected) {
    if (connected)
      apply_waiting();
  });
}

ingest::~ingest() {
  *alive_ = false;
}

void ingest::start() {
  reports_.start();
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
  if (over())
    end();
}

void ingest::end() {
  if (!waiting_.empty())
    log::warning("{} published reports still waited to be applied, and are lost", waiting_.size());
  reports_.stop();
}

void ingest::tick() {
  if (stopped_)
    return;
  if (holding_ && clock::now() >= held_until_)
    hold(false);
  take_back();
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
  // What was not read is another's by now, or nobody's.
  if (!now)
    subscriber_.go_on();
}

void ingest::on_connection(bool up) {
  if (up || !holding_)
    return;
  counters_.ingest_interrupted.add();
  bool const too_many = !waiting_.empty() || clock::now() - paused_at_ < 2min;
  log::warning(losses_, "the connection that brings published reports was lost; reports published meanwhile are lost{}",
               too_many
                   ? ". More came than Redis applies, and than its client-output-buffer-limit pubsub keeps; workers "
                     "that call jobcast_report by FCALL lose none"
                   : "");
}

void ingest::on_message(std::string_view channel, std::string_view payload) {
  // Frozen for longer than the lease, and thawed with messages in the socket: another has applied them.
  if (!holding_ || clock::now() >= held_until_)
    return;
  take_in(channel.substr(std::min(prefix_.size(), channel.size())), payload);
}

void ingest::on_turn_end() {
  apply_waiting();
  if (!waiting_.full())
    return;
  paused_at_ = clock::now();
  subscriber_.pause();
}

void ingest::take_in(std::string_view id, std::string_view payload) {
  if (!job::is_job_id(id))
    return refuse_here(id, "id", "the channel does not end in a job id");
  auto report = job::report_from_json(without_byte_order_mark(payload));
  if (!report)
    return refuse_here(id, report.error().field, report.error().detail);
  switch (waiting_.offer(id, std::move(report->fields))) {
  case report_queue::fate::waits:
    break;
  case report_queue::fate::replaces:
    counters_.ingest_replaced.add();
    break;
  case report_queue::fate::shed:
    counters_.ingest_shed.add();
    log::warning(sheds_, "published progress of job '{}' was dropped: more reports come than Redis applies",
                 id.substr(0, 128));
    break;
  }
  apply_waiting();
}

// In a flood they are only counted: few are kept anyway.
void ingest::refuse_here(std::string_view id, std::string_view field, const std::string& reason) {
  counters_.ingest_refused.add();
  if (unanswered_ >= most_unanswered || !reports_.connected())
    return;
  ++unanswered_;
  store::keep_refused(reports_, ns_, id, field, reason, [this, alive = alive_](error_code, redis::reply_view) {
    if (!*alive)
      return;
    --unanswered_;
    apply_waiting();
  });
}

bool ingest::may_apply() const {
  return !waiting_.empty() && not_run_.empty() && reports_.connected() && unanswered_ < most_unanswered &&
         unanswered_bytes_ < most_unanswered_bytes;
}

void ingest::apply_waiting() {
  while (may_apply())
    apply(waiting_.take());
  counters_.ingest_waiting.set(waiting_.size() + not_run_.size());
  if (waiting_.roomy())
    subscriber_.go_on();
  if (stopped_ && over())
    reports_.stop();
}

void ingest::apply(report_queue::report next) {
  auto const call = store::report_call(ns_, next.id, next.fields);
  std::vector<std::string_view> const views(call.begin(), call.end());
  ++unanswered_;
  auto kept = std::make_shared<report_queue::report>(std::move(next));
  unanswered_bytes_ += report_queue::size_of(*kept);
  reports_.call(views, [this, alive = alive_, kept](error_code ec, redis::reply_view reply) {
    if (*alive)
      on_answer(std::move(*kept), ec, reply);
  });
}

void ingest::on_answer(report_queue::report applied, error_code ec, redis::reply_view reply) {
  --unanswered_;
  unanswered_bytes_ -= report_queue::size_of(applied);
  auto const done = store::read_report(ec, reply);
  // A reply that is lost leaves open whether the report was applied.
  bool const not_run = !done && !stopped_ && done.error().what == failure::kind::unavailable &&
                       (!ec || ec == redis::errc::unavailable || is_outcome(applied.fields));
  if (done)
    counters_.ingest_applied.add();
  else if (!not_run)
    refuse(applied.id, done.error());
  else
    not_run_.push_back(std::move(applied));
  apply_waiting();
}

// Once all that was under way is answered: so that reports of one job keep their order.
void ingest::take_back() {
  if (unanswered_ > 0)
    return;
  for (; !not_run_.empty(); not_run_.pop_back())
    waiting_.put_back(std::move(not_run_.back()));
  apply_waiting();
}

// What is refused for its content is kept in `ns:refused`, and told from there.
void ingest::refuse(std::string_view id, const failure& why) {
  counters_.ingest_refused.add();
  if (why.what != failure::kind::refused)
    log::warning(refusals_, "a report published for job '{}' was not applied: {}", id.substr(0, 128), why.detail);
}

} // namespace jobcast::store
