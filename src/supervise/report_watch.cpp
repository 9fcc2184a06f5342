#include "jobcast/supervise/report_watch.hpp"

#include "jobcast/base/log.hpp"
#include "jobcast/base/survive.hpp"
#include "jobcast/supervise/refused_report.hpp"

#include <algorithm>
#include <charconv>

namespace jobcast::supervise {

namespace {

using namespace std::chrono_literals;

constexpr auto every = 1s;
constexpr std::string_view group = "gateways", entries_at_once = "100";
constexpr std::size_t full = 100;

std::size_t index_of(std::string_view field) {
  auto const found = std::find(metrics::side_fields.begin(), metrics::side_fields.end(), field);
  return found == metrics::side_fields.end() ? metrics::side_fields.size() - 1
                                             : static_cast<std::size_t>(found - metrics::side_fields.begin());
}

} // namespace

report_watch::report_watch(executor ex, redis::client& client, std::string ns, metrics::counters& counters)
    : client_(client)
    , timer_(ex)
    , refused_(ns + ":refused")
    , mended_(ns + ":mended")
    , counters_(counters) {}

report_watch::~report_watch() {
  *alive_ = false;
}

void report_watch::start() {
  wait();
}

void report_watch::stop() {
  stopped_ = true;
  timer_.cancel();
}

void report_watch::wait() {
  if (stopped_)
    return;
  timer_.expires_after(every);
  timer_.async_wait([this, alive = alive_](error_code ec) {
    if (!ec && *alive)
      read_refused();
  });
}

void report_watch::read_refused() {
  client_.call({"XREADGROUP", "GROUP", group, group, "NOACK", "COUNT", entries_at_once, "STREAMS", refused_, ">"},
               [this, alive = alive_](error_code ec, redis::reply_view reply) {
                 if (!*alive || stopped_)
                   return;
                 if (ec)
                   return wait();
                 if (reply.is_error())
                   return reply.text().starts_with("NOGROUP") ? make_group() : wait();
                 redis::reply_view const entries = reply.size() > 0 ? reply[0][1] : reply;
                 for (std::size_t i = 0; i < entries.size(); ++i)
                   survive([&] { tell(entries[i][1]); });
                 // More than one read takes waits already.
                 if (entries.size() == full)
                   return read_refused();
                 count_refused();
               });
}

// The stream knows how many were ever added to it, also of those that it no longer holds.
void report_watch::count_refused() {
  client_.call({"XINFO", "STREAM", refused_}, [this, alive = alive_](error_code ec, redis::reply_view reply) {
    if (!*alive || stopped_)
      return;
    for (std::size_t i = 0; !ec && i + 1 < reply.size(); i += 2)
      if (reply[i].text() == "entries-added")
        counters_.reports_refused.set(static_cast<std::uint64_t>(reply[i + 1].integer()));
    read_mended();
  });
}

// From the beginning: what was refused before any gateway looked is told too.
void report_watch::make_group() {
  client_.call({"XGROUP", "CREATE", refused_, group, "0", "MKSTREAM"},
               [this, alive = alive_](error_code, redis::reply_view) {
                 if (*alive)
                   wait();
               });
}

void report_watch::read_mended() {
  client_.call({"HGETALL", mended_}, [this, alive = alive_](error_code ec, redis::reply_view reply) {
    if (!*alive)
      return;
    if (!ec && reply.is_array()) {
      std::array<std::uint64_t, metrics::side_fields.size()> counts{};
      for (std::size_t i = 0; i + 1 < reply.size(); i += 2) {
        std::string_view const digits = reply[i + 1].text();
        std::uint64_t count = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), count);
        counts[index_of(reply[i].text())] += count;
      }
      for (std::size_t i = 0; i < counts.size(); ++i)
        counters_.mended[i].set(counts[i]);
    }
    wait();
  });
}

void report_watch::tell(redis::reply_view entry) {
  auto const [id, field, reason] = read_refused_report(entry);
  log::warning(complaints_, "a report on job '{}' was refused: {}: {}", id, field, reason);
}

} // namespace jobcast::supervise
