// The way of an event from Redis' bytes to the sockets of its watchers, with a fixed amount of work, for callgrind: the
// real subscriber, hub and sessions on a real loop; Redis and the clients are played by this program, whose own
// instructions are not counted (tests/bench/instructions.py toggles the counting at counted_turn).
//
//   hot_path spread|broadcast|websocket|websocket-broadcast     prints the number of deliveries
#include "jobcast/redis/subscriber.hpp"
#include "jobcast/stream/sse.hpp"
#include "jobcast/stream/ws.hpp"

#include <boost/asio/post.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

using namespace jobcast;

extern "C" [[gnu::noinline]] void counted_turn(asio::io_context& loop) {
  loop.poll();
}

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string job_name(int i) {
  return "bench-" + std::to_string(i);
}

// 350 bytes, as in scripts/bench.
std::string record(int job, int version) {
  std::string out = fmt::format(
      R"({{"id":"{}","version":{},"updated_at":1700000000000,"type":"bench","status":"processing","attempt":1,"max_attempts":1,"progress":{{"percent":42}},"stalled":false,"cancel_requested":false,"can":["cancel"],"group":")",
      job_name(job), version);
  return out.append(348 - out.size(), 'x') + "\"}";
}

/// A server that answers PING and SUBSCRIBE, and publishes what it is told to.
class played_redis {
 public:
  explicit played_redis(const std::string& path) {
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(listener_, 1) != 0)
      fail("bind");
  }

  void answer() {
    if (fd_ < 0)
      fd_ = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    char bytes[65'536];
    for (ssize_t n; fd_ >= 0 && (n = recv(fd_, bytes, sizeof bytes, 0)) > 0;)
      asked_.append(bytes, static_cast<std::size_t>(n));
    if (asked_.ends_with("PING\r\n"))
      send("+PONG\r\n");
    std::string acknowledged;
    for (std::size_t at = 0; (at = asked_.find("jobcast:event:", at)) != std::string::npos;) {
      auto const end = asked_.find("\r\n", at);
      std::string const channel = asked_.substr(at, end - at);
      acknowledged += fmt::format("*3\r\n$9\r\nsubscribe\r\n${}\r\n{}\r\n:1\r\n", channel.size(), channel);
      at = end;
    }
    send(acknowledged);
    asked_.clear();
  }

  void publish(int job, int version) {
    std::string const channel = "jobcast:event:" + job_name(job);
    std::string const message = fmt::format("{} p {}", version, record(job, version));
    queued_ += fmt::format("*3\r\n$7\r\nmessage\r\n${}\r\n{}\r\n${}\r\n{}\r\n", channel.size(), channel, message.size(),
                           message);
  }
  void flush() { send(std::exchange(queued_, {})); }

 private:
  void send(const std::string& bytes) {
    if (!bytes.empty() && ::send(fd_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
      fail("send");
  }

  int listener_, fd_ = -1;
  std::string asked_, queued_;
};

class bench final : hub::backend, redis::subscriber_observer {
 public:
  bench(const std::string& path, const limit_settings& limits)
      : limits_(limits)
      , server_(path)
      , subscriber_(loop_.get_executor(), *redis::parse_url("unix://" + path), *this) {
    subscriber_.start();
    until([&] { return subscriber_.connected(); });
  }

  void watch(int count, int jobs, hub::encoding as, bool every) {
    for (int i = 0; i < count; ++i)
      watch_one(job_name(i % jobs), as, every);
    // All have had their head and their snapshot.
    until([&] {
      drain();
      return reads_ == jobs && drained_[static_cast<std::size_t>(count - 1)] > 400;
    });
    drain();
  }

  std::uint64_t turn(int jobs, int events, int& next) {
    auto const before = counters_.deliveries.get();
    for (int i = 0; i < events; ++i, ++next)
      server_.publish(next % jobs, 2 + next / jobs);
    server_.flush();
    counted_turn(loop_);
    drain();
    return counters_.deliveries.get() - before;
  }

 private:
  void watch_one(const std::string& job, hub::encoding as, bool every) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
      fail("socketpair");
    clients_.push_back(ends[1]);
    drained_.push_back(0);
    net::client_socket socket(ends[0], asio::use_service<net::readiness>(loop_));
    if (as == hub::encoding::sse) {
      hub::watch_request asked;
      asked.jobs.push_back(job);
      asked.single = true;
      asked.every = every;
      return stream::open_sse(std::move(socket), host_, std::move(asked));
    }
    stream::open_websocket(std::move(socket), host_, "HTTP/1.1 101 Switching Protocols\r\n\r\n", nullptr,
                           asio::ip::address_v4::loopback());
    std::string const text = R"({"op":"watch","jobs":[")" + job + (every ? R"("],"every":true})" : R"("]})");
    std::string frame{'\x81', static_cast<char>(0x80 | text.size()), 0, 0, 0, 0};
    frame += text;
    if (send(ends[1], frame.data(), frame.size(), 0) < 0)
      fail("send");
  }

  template <class Condition>
  void until(Condition met) {
    for (int i = 0; !met(); ++i) {
      if (i == 10'000)
        fail("nothing happens");
      loop_.poll();
      server_.answer();
    }
  }

  void drain() {
    char bytes[65'536];
    for (std::size_t i = 0; i < clients_.size(); ++i)
      for (ssize_t n; (n = recv(clients_[i], bytes, sizeof bytes, MSG_DONTWAIT)) > 0;)
        drained_[i] += n;
  }

  void subscribe(std::string_view channel) override { subscriber_.subscribe(channel); }
  void unsubscribe(std::string_view channel) override { subscriber_.unsubscribe(channel); }
  void read(std::vector<hub::record_read> records) override {
    asio::post(loop_, [this, records] {
      for (auto const& [id, payer] : records)
        hub_.on_record(id, 1, false, record(std::atoi(id.c_str() + 6), 1));
      reads_ += static_cast<int>(records.size());
      hub_.flush();
    });
  }
  void list(const std::string&, std::int64_t, std::uint64_t, const net::admission::payer&) override {}
  void drop_list(std::uint64_t) override {}
  void schedule_flush() override {
    asio::post(loop_, [this] { hub_.flush(); });
  }
  void on_subscribed(std::string_view channel) override { hub_.on_subscribed(channel); }
  void on_message(std::string_view channel, std::string_view payload) override { hub_.on_message(channel, payload); }
  void on_turn_end() override { hub_.flush(); }
  void on_connection(bool up) override { hub_.set_available(up); }

  const limit_settings& limits_;
  metrics::counters counters_;
  timing_wheel wheel_{timing_wheel::clock::now()};
  asio::io_context loop_{1};
  played_redis server_;
  redis::subscriber subscriber_;
  hub::hub hub_{*this, limits_, "jobcast", counters_};
  net::admission admission_{limits_};
  stream::host host_{hub_, wheel_, limits_, counters_, admission_};
  std::vector<int> clients_;
  std::vector<ssize_t> drained_;
  int reads_ = 0;
};

} // namespace

int main(int count, char** arguments) {
  std::string const what = count > 1 ? arguments[1] : "";
  if (what != "spread" && what != "broadcast" && what != "websocket" && what != "websocket-broadcast") {
    std::fprintf(stderr, "usage: hot_path spread|broadcast|websocket|websocket-broadcast\n");
    return 2;
  }
  std::string const path = std::filesystem::temp_directory_path() / fmt::format("jobcast-hot-path-{}", getpid());
  bool const broadcast = what.ends_with("broadcast");
  auto const as = what.starts_with("websocket") ? hub::encoding::websocket : hub::encoding::sse;
  int const watchers = 200, jobs = broadcast ? 1 : watchers, turns = 50, events = broadcast ? 4 : 50;
  auto& b = *new bench(path, *new limit_settings); // ended by _exit: nothing of the end is to be measured
  b.watch(watchers, jobs, as, broadcast);
  std::uint64_t deliveries = 0;
  for (int turn = 0, next = 0; turn < turns; ++turn)
    deliveries += b.turn(jobs, events, next);
  std::filesystem::remove(path);
  std::printf("%llu\n", static_cast<unsigned long long>(deliveries));
  std::fflush(stdout);
  _exit(deliveries == static_cast<std::uint64_t>(turns) * static_cast<unsigned>(events) * (broadcast ? watchers : 1u)
            ? 0
            : 1);
}
