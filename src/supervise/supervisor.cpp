#include "jobcast/supervise/supervisor.hpp"

#include "jobcast/base/log.hpp"
#include "jobcast/base/survive.hpp"

namespace jobcast::supervise {

namespace {

using clock = std::chrono::steady_clock;

// The function stops by itself after 5 ms; this is for a Redis whose clock stands still within a function.
constexpr std::string_view jobs_per_call = "500";

} // namespace

supervisor::supervisor(executor ex, redis::client& client, std::string ns, metrics::counters& counters)
    : client_(client)
    , timer_(ex)
    , ns_(std::move(ns))
    , counters_(counters)
    , pace_(clock::now()) {}

supervisor::~supervisor() {
  *alive_ = false;
}

void supervisor::stop() {
  stopped_ = true;
  timer_.cancel();
}

void supervisor::go_on() {
  if (stopped_)
    return;
  auto const now = clock::now();
  if (pace_.due(now)) {
    pace_.asked(now);
    return ask();
  }
  timer_.expires_after(pace_.wait(now));
  timer_.async_wait([this, alive = alive_](error_code ec) {
    if (!ec && *alive)
      go_on();
  });
}

void supervisor::ask() {
  client_.call({"FCALL", "jobcast_supervise", "1", ns_, jobs_per_call, "counts"},
               [this, alive = alive_](error_code ec, redis::reply_view reply) {
                 if (!*alive)
                   return;
                 auto const count = [&](std::size_t i) { return static_cast<std::uint64_t>(reply[i].integer()); };
                 if (ec || !reply.is_array() || reply.size() < 4) {
                   pace_.failed(clock::now());
                   if (!ec && reply.is_error() && reply.text().find("unction not found") == std::string_view::npos)
                     survive([&] { log::warning(complaints_, "jobs cannot be supervised: {}", reply.text()); });
                   return go_on();
                 }
                 counters_.jobs_stalled.add(count(1));
                 counters_.jobs_requeued.add(count(2));
                 counters_.jobs_failed.add(count(3));
                 pace_.answered(clock::now(), reply[0].integer());
                 go_on();
               });
}

} // namespace jobcast::supervise
