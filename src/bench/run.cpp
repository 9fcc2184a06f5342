#include "run.hpp"

#include "crowd.hpp"
#include "peer.hpp"
#include "process_usage.hpp"
#include "publisher.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <random>
#include <stdexcept>
#include <sys/resource.h>

namespace jobcast::bench {

namespace {

// For what is still under way to arrive, and for a server to get over what was done to it.
constexpr std::int64_t patience = 10 * second, pause = second / 2;
// Without a rate, unanswered reports may pile up only so far.
constexpr std::size_t unanswered_limit = 4'000;

/// `http://host:port`; no path, no TLS.
target target_of(const std::string& url) {
  constexpr std::string_view scheme = "http://";
  auto const rest = url.starts_with(scheme) ? url.substr(scheme.size()) : std::string();
  auto const colon = rest.rfind(':');
  if (rest.empty() || rest.find('/') < rest.size() - 1)
    throw std::runtime_error("--url " + url + ": give http://host:port");
  auto const host = rest.substr(0, colon);
  auto port = colon == std::string::npos ? "80" : rest.substr(colon + 1);
  if (port.ends_with('/'))
    port.pop_back();
  return target::tcp(host, port);
}

peer peer_of(const options& o) {
  if (o.peer.empty())
    return jobcast_peer(o);
  peer read = read_peer(o.peer);
  if ((o.over == transport::sse ? read.sse : read.websocket).empty())
    throw std::runtime_error("--peer " + o.peer + ": it has no path for this transport");
  return read;
}

// Other jobs for each run, so that two at the same time do not disturb each other.
std::string job_prefix() {
  return fmt::format("bench-{:06x}-", std::random_device{}() & 0xff'ffff);
}

void raise_file_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

class load {
 public:
  explicit load(const options& o)
      : asked_(o)
      , to_(peer_of(o))
      , where_(target_of(o.url))
      , format_(job_prefix(), o.record)
      , account_(o.jobs != 0 ? o.jobs : o.watchers)
      , with_{loop_, asked_, to_, format_, account_}
      , crowd_(loop_, asked_, to_, where_, format_, account_)
      , publisher_(o.via == way::http ? make_http_publisher(with_, where_) : make_redis_publisher(with_)) {}

  result run() {
    out_.asked = asked_;
    out_.server = to_.name + " at " + where_.name();
    out_.jobs = account_.jobs();
    for (const process_group& group : asked_.processes)
      out_.processes.push_back({.name = group.name});
    try {
      measure();
    } catch (...) {
      leave_nothing();
      throw;
    }
    crowd_.close();
    publisher_->clean_up();
    return std::move(out_);
  }

 private:
  void measure() {
    publisher_->prepare();
    open();
    if (asked_.seconds > 0)
      publish();
    for_processes([](usage& u, const process_group& group) { u.memory_end = resident_bytes(group); });
    if (asked_.storm) {
      crowd_.close();
      wait(pause);
      out_.reopening = crowd_.open(asked_.watchers);
    }
  }

  // The jobs would stay for days. What ended the load may keep them from being deleted, and is what is to be told.
  void leave_nothing() {
    try {
      crowd_.close();
      publisher_->clean_up();
    } catch (const std::runtime_error&) {
    }
  }

  template <class Use>
  void for_processes(Use use) {
    for (std::size_t i = 0; i < asked_.processes.size(); ++i)
      use(out_.processes[i], asked_.processes[i]);
  }

  void open() {
    wait(pause);
    for_processes([](usage& u, const process_group& group) {
      u.memory_before = resident_bytes(group);
      u.opening_cpu = -cpu_seconds(group);
    });
    if (asked_.watchers > 0)
      out_.opening = crowd_.open(asked_.opening);
    for_processes([](usage& u, const process_group& group) { u.opening_cpu += cpu_seconds(group); });
    wait(pause);
    for_processes([](usage& u, const process_group& group) { u.memory_open = resident_bytes(group); });
  }

  void publish() {
    crowd_.begin();
    for_processes([](usage& u, const process_group& group) { u.cpu = -cpu_seconds(group); });
    out_.own_cpu = -own_cpu_seconds();
    auto const begin = now_ns(), end = begin + static_cast<std::int64_t>(asked_.seconds * 1e9);
    auto now = begin;
    for (; now < end; now = now_ns()) {
      std::int64_t const idle = asked_.rate > 0 ? publish_due(begin, now) : publish_window();
      publisher_->send();
      loop_.turn(std::min(idle, end - now));
    }
    for_processes([](usage& u, const process_group& group) { u.cpu += cpu_seconds(group); });
    out_.own_cpu += own_cpu_seconds();
    out_.seconds = static_cast<double>(now - begin) / 1e9;
    out_.delivered_in_time = account_.delivered();
    out_.published = account_.published() - (asked_.rate > 0 ? 0 : publisher_->unanswered());
    out_.unanswered = publisher_->unanswered();
    finish();
  }

  // Everything published must arrive; a version that gave way to a newer one counts as arrived with it.
  void finish() {
    for (auto const until = now_ns() + patience;
         (account_.outstanding() > 0 || publisher_->unanswered() > 0) && now_ns() < until;) {
      publisher_->send();
      loop_.turn(50 * millisecond);
    }
    out_.refused = account_.refused();
    out_.delivered = account_.delivered();
    out_.conflated = account_.conflated();
    out_.out_of_order = account_.out_of_order();
    out_.lost = account_.outstanding();
    out_.latencies = crowd_.latencies();
    out_.series = crowd_.series();
  }

  // Answers for how long nothing is to be done.
  std::int64_t publish_due(std::int64_t begin, std::int64_t now) {
    auto const time_of = [&](std::uint64_t report) {
      return begin + static_cast<std::int64_t>(static_cast<double>(report) * 1e9 / asked_.rate);
    };
    while (time_of(reports_) <= now)
      publish_next();
    return std::max<std::int64_t>(0, time_of(reports_) - now);
  }

  std::int64_t publish_window() {
    auto const watchers = static_cast<std::int64_t>(asked_.watchers / account_.jobs());
    std::int64_t const window = std::max<std::int64_t>(asked_.window, watchers);
    while (account_.outstanding() + watchers <= window && publisher_->unanswered() < unanswered_limit)
      publish_next();
    return millisecond;
  }

  void publish_next() {
    publisher_->publish(next_job_);
    next_job_ = (next_job_ + 1) % account_.jobs();
    ++reports_;
  }

  void wait(std::int64_t ns) {
    for (auto const until = now_ns() + ns; now_ns() < until;)
      loop_.turn(std::max<std::int64_t>(0, until - now_ns()));
  }

  options asked_;
  peer to_;
  target where_;
  record_format format_;
  ledger account_;
  poller loop_;
  publishing with_;
  crowd crowd_;
  std::unique_ptr<publisher> publisher_;
  std::uint32_t next_job_ = 0;
  std::uint64_t reports_ = 0;
  result out_;
};

} // namespace

result run(const options& o) {
  raise_file_limit();
  stop_on_signals();
  return std::make_unique<load>(o)->run();
}

} // namespace jobcast::bench
