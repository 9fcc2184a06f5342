// Loads a running gateway with event streams and measures what arrives: deliveries a second, CPU of the server per
// delivery, latency from publish to bytes at the client, and that nothing is lost or out of order.
//
//   sse_load --port 8080 --redis-port 6390 --streams 10000 --jobs 10000 --seconds 10 [--rate 5000] [--reports] [--pid
//   N]
//
// Without --rate it runs closed loop: a window of events is under way at any time. Events are published ready-made on
// ns:event:<id>, so that Redis costs the same whatever is measured; --reports goes through jobcast_report instead.
// One thread, so that with the server pinned to one core (taskset) the load takes the other.

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <netinet/tcp.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

std::int64_t now_ns() {
  return clock_type::now().time_since_epoch().count();
}

struct options {
  int port = 8080, redis_port = 6390, streams = 1'000, jobs = 1'000, rate = 0, window = 2'000, pid = 0;
  double seconds = 10;
  bool reports = false;
  std::string ns = "jobcast";
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "sse_load: %s\n", what.c_str());
  std::exit(1);
}

int connect_to(int port, int source) {
  int const fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int const on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Else bind() looks for a port that is free towards everyone, ever slower with each one in TIME_WAIT.
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  // Several source addresses, since one has 28,000 ports, other ones for each run.
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<unsigned>(source));
  bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  if (connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
    fail("cannot connect to port " + std::to_string(port) + ": " + std::strerror(errno));
  return fd;
}

double cpu_seconds(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string all((std::istreambuf_iterator<char>(in)), {});
  unsigned long user = 0, system = 0;
  auto const after = all.rfind(')');
  if (after == std::string::npos ||
      std::sscanf(all.c_str() + after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    return 0;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

long resident_kib(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:"))
      return std::atol(line.c_str() + 6);
  return 0;
}

struct stream {
  int fd = -1;
  std::uint64_t version = 0;
  std::string rest; ///< bytes of an event that has not wholly arrived
};

class load {
 public:
  explicit load(options o)
      : o_(o)
      , epoll_(epoll_create1(EPOLL_CLOEXEC))
      , streams_(static_cast<std::size_t>(o.streams))
      , versions_(static_cast<std::size_t>(o.jobs), 0) {}

  void run() {
    redis_ = connect_to(o_.redis_port, 0);
    fcntl(redis_, F_SETFL, O_NONBLOCK);
    watch(redis_, UINT32_MAX);
    create_jobs();
    long const idle_before = resident_kib(o_.pid);
    auto const opening = now_ns();
    open_streams();
    double const open_s = static_cast<double>(now_ns() - opening) / 1e9;
    long const idle_after = resident_kib(o_.pid);
    latencies_.clear();
    received_ = published_ = 0;
    double const cpu_before = cpu_seconds(o_.pid);
    auto const begin = now_ns();
    auto const end = begin + static_cast<std::int64_t>(o_.seconds * 1e9);
    while (now_ns() < end) {
      publish_due(begin);
      turn(1);
    }
    // Everything published must arrive; a conflated version counts as skipped, which is said.
    auto const patience = now_ns() + 5'000'000'000;
    while (received_ + skipped_ < expected() && now_ns() < patience)
      turn(50);
    report(static_cast<double>(now_ns() - begin) / 1e9, cpu_seconds(o_.pid) - cpu_before, open_s,
           idle_after - idle_before);
  }

 private:
  std::uint64_t expected() const { return published_ * static_cast<std::uint64_t>(std::max(1, o_.streams / o_.jobs)); }

  void watch(int fd, std::uint32_t which) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u32 = which;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e);
  }

  std::string job(int i) const { return "bench-" + std::to_string(i); }

  void command(std::initializer_list<std::string_view> parts) {
    out_ += "*" + std::to_string(parts.size()) + "\r\n";
    for (auto part : parts)
      out_.append("$").append(std::to_string(part.size())).append("\r\n").append(part).append("\r\n");
  }

  void create_jobs() {
    for (int i = 0; i < o_.jobs; ++i) {
      command({"FCALL", "jobcast_delete", "1", o_.ns, job(i)});
      command({"FCALL", "jobcast_report", "1", o_.ns, job(i), "status", "processing", "percent", "1"});
      versions_[static_cast<std::size_t>(i)] = 1;
      if (out_.size() > 60'000)
        drain_redis();
    }
    drain_redis();
    std::uint64_t const wanted = static_cast<std::uint64_t>(o_.jobs) * 2;
    auto const patience = now_ns() + 30'000'000'000;
    while (replies_ < wanted) {
      turn(10);
      if (now_ns() > patience)
        fail("redis did not answer in time");
    }
  }

  void drain_redis() {
    while (!out_.empty())
      turn(1);
  }

  void open_streams() {
    // A bounded number is under way at a time: this is not the storm.
    int opened = 0;
    auto const patience = now_ns() + 60'000'000'000;
    while (snapshots_ < o_.streams) {
      for (; opened < o_.streams && opened - snapshots_ < 200; ++opened) {
        stream& s = streams_[static_cast<std::size_t>(opened)];
        s.fd = connect_to(o_.port, 1 + getpid() % 200 + opened / 20'000);
        std::string const request =
            "GET /api/jobs/" + job(opened % o_.jobs) + "/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
        if (send(s.fd, request.data(), request.size(), MSG_NOSIGNAL) < 0)
          fail("send failed");
        fcntl(s.fd, F_SETFL, O_NONBLOCK);
        watch(s.fd, static_cast<std::uint32_t>(opened));
      }
      turn(10);
      if (now_ns() > patience)
        fail("only " + std::to_string(snapshots_) + " streams were opened in time");
    }
  }

  void publish_due(std::int64_t begin) {
    if (o_.rate > 0) {
      auto const due = static_cast<std::uint64_t>(static_cast<double>(now_ns() - begin) / 1e9 * o_.rate);
      while (published_ < due)
        publish();
    } else {
      auto const per_publish = static_cast<std::uint64_t>(std::max(1, o_.streams / o_.jobs));
      while (expected() - received_ - skipped_ + per_publish <=
             static_cast<std::uint64_t>(std::max(o_.window, o_.streams / o_.jobs)))
        publish();
    }
  }

  void publish() {
    int const i = next_job_;
    next_job_ = (next_job_ + 1) % o_.jobs;
    ++published_;
    std::string const id = job(i);
    std::string const stamp = "t" + std::to_string(now_ns()) + "t";
    if (o_.reports) {
      command({"FCALL", "jobcast_report", "1", o_.ns, id, "percent", "42", "message", stamp});
      return;
    }
    std::string const version = std::to_string(++versions_[static_cast<std::size_t>(i)]);
    std::string record =
        R"({"id":")" + id + R"(","version":)" + version +
        R"(,"updated_at":1700000000000,"type":"import","status":"processing","attempt":1,"max_attempts":1,"progress":{"percent":42,"current":420,"total":1000,"unit":"rows","message":")" +
        stamp +
        R"("},"stalled":false,"cancel_requested":false,"can":["cancel"],"created_at":1700000000000,"started_at":1700000000000,"locked_at":1700000000000})";
    if (record.size() < 350)
      record.insert(record.size() - 1, R"(,"group":")" + std::string(350 - record.size() - 11, 'x') + "\"");
    command({"PUBLISH", o_.ns + ":event:" + id, version + " p " + record});
  }

  void turn(int wait_ms) {
    if (!out_.empty()) {
      ssize_t const sent = send(redis_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent > 0)
        out_.erase(0, static_cast<std::size_t>(sent));
    }
    epoll_event events[512];
    int const n = epoll_wait(epoll_, events, 512, wait_ms);
    for (int i = 0; i < n; ++i)
      if (events[i].data.u32 == UINT32_MAX)
        read_redis();
      else
        read_stream(streams_[events[i].data.u32]);
  }

  void read_redis() {
    char bytes[65'536];
    for (ssize_t n; (n = recv(redis_, bytes, sizeof bytes, 0)) > 0;) {
      std::string_view const got(bytes, static_cast<std::size_t>(n));
      if (got.find("\r\n-") != got.npos || got.front() == '-')
        fail("redis answered an error: " + std::string(got.substr(0, 200)));
      // Each reply to FCALL of create_jobs is one array; counted by its head.
      replies_ += static_cast<std::uint64_t>(std::count(got.begin(), got.end(), '*'));
    }
  }

  void read_stream(stream& s) {
    char bytes[65'536];
    ssize_t const n = recv(s.fd, bytes, sizeof bytes, 0);
    if (n <= 0) {
      if (n == 0 || (errno != EAGAIN && errno != EINTR))
        fail("a stream was closed by the server");
      return;
    }
    std::string_view got(bytes, static_cast<std::size_t>(n));
    std::string joined;
    if (!s.rest.empty()) {
      joined = std::move(s.rest);
      joined += got;
      got = joined;
    }
    for (std::size_t end; (end = got.find("\n\n")) != got.npos; got.remove_prefix(end + 2))
      on_event(s, got.substr(0, end));
    s.rest.assign(got);
  }

  void on_event(stream& s, std::string_view event) {
    auto const id = event.find("id: ");
    if (id == event.npos || event.find("event: job") == event.npos)
      return;
    auto const version = std::strtoull(event.data() + event.find('-', id) + 1, nullptr, 10);
    if (s.version == 0)
      ++snapshots_;
    else if (version <= s.version)
      fail("a version went back from " + std::to_string(s.version) + " to " + std::to_string(version));
    else {
      skipped_ += version - s.version - 1;
      ++received_;
    }
    s.version = version;
    if (auto const stamp = event.find("\"t1"); stamp != event.npos)
      latencies_.push_back(now_ns() - std::strtoll(event.data() + stamp + 2, nullptr, 10));
    else if (auto const other = event.find("\"message\":\"t"); other != event.npos)
      latencies_.push_back(now_ns() - std::strtoll(event.data() + other + 12, nullptr, 10));
  }

  void report(double seconds, double cpu, double open_s, long grown_kib) {
    std::sort(latencies_.begin(), latencies_.end());
    auto const at = [&](double q) {
      return latencies_.empty()
                 ? 0.0
                 : static_cast<double>(
                       latencies_[static_cast<std::size_t>(q * static_cast<double>(latencies_.size() - 1))]) /
                       1e3;
    };
    std::printf("streams %d on %d jobs, opened at %.0f/s\n", o_.streams, o_.jobs, o_.streams / open_s);
    std::printf("published %llu, delivered %llu, conflated %llu, lost %lld\n",
                static_cast<unsigned long long>(published_), static_cast<unsigned long long>(received_),
                static_cast<unsigned long long>(skipped_),
                static_cast<long long>(expected()) - static_cast<long long>(received_ + skipped_));
    std::printf("deliveries/s %.0f\n", static_cast<double>(received_) / seconds);
    std::printf("latency us p50 %.0f p99 %.0f max %.0f\n", at(0.5), at(0.99), at(1));
    if (o_.pid)
      std::printf("server CPU %.2f s, %.2f us per delivery; RSS grew %.0f bytes per stream\n", cpu,
                  cpu * 1e6 / static_cast<double>(std::max<std::uint64_t>(1, received_)),
                  static_cast<double>(grown_kib) * 1024 / o_.streams);
  }

  options o_;
  int epoll_, redis_ = -1, snapshots_ = 0, next_job_ = 0;
  std::vector<stream> streams_;
  std::vector<std::uint64_t> versions_;
  std::string out_;
  std::uint64_t published_ = 0, received_ = 0, skipped_ = 0, replies_ = 0;
  std::vector<std::int64_t> latencies_;
};

options read_options(int argc, char** argv) {
  options o;
  std::map<std::string_view, int*> const numbers{
      {"--port", &o.port}, {"--redis-port", &o.redis_port}, {"--streams", &o.streams}, {"--jobs", &o.jobs},
      {"--rate", &o.rate}, {"--window", &o.window},         {"--pid", &o.pid}};
  for (int i = 1; i < argc; ++i) {
    std::string_view const name = argv[i];
    if (name == "--reports")
      o.reports = true;
    else if (i + 1 == argc)
      fail("unknown option or missing value: " + std::string(name));
    else if (name == "--seconds")
      o.seconds = std::atof(argv[++i]);
    else if (auto const at = numbers.find(name); at != numbers.end())
      *at->second = std::atoi(argv[++i]);
    else
      fail("unknown option " + std::string(name));
  }
  if (o.streams < 1 || o.jobs < 1 || o.seconds <= 0 || o.seconds > 600)
    fail("--streams and --jobs must be at least 1, --seconds between 0 and 600");
  return o;
}

} // namespace

int main(int argc, char** argv) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  load(read_options(argc, argv)).run();
}
