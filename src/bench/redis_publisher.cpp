// Reports by FCALL, PUBLISH of ready-made events, or PUBLISH of reports, pipelined on one connection.
#include "jobcast/redis/handshake.hpp"
#include "jobcast/redis/resp.hpp"
#include "publisher.hpp"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace jobcast::bench {

namespace {

constexpr std::size_t send_at_once = 60'000; ///< bytes queued before publish() sends by itself

target target_of(const redis::address& a) {
  return a.how == redis::address::kind::unix_socket ? target::unix_socket(a.path)
                                                    : target::tcp(a.host, std::to_string(a.port));
}

redis::address address_of(const std::string& url) {
  auto parsed = redis::parse_url(url);
  if (!parsed)
    throw std::runtime_error("--redis: " + parsed.error());
  return *parsed;
}

class redis_publisher final : public publisher, pollable {
 public:
  explicit redis_publisher(const publishing& with)
      : with_(with) {
    redis::address const where = address_of(with.asked.redis);
    fd_ = target_of(where).connect();
    with_.loop.add(fd_, EPOLLIN | EPOLLOUT, *this);
    redis::handshake hello(where);
    out_ = hello.request();
    bool done = false;
    greet_ = [&](redis::reply_view reply) {
      auto const now = hello.on_reply(reply);
      if (now == redis::handshake::state::failed)
        throw std::runtime_error("redis: " + hello.failure());
      done = now == redis::handshake::state::done;
    };
    while (!done)
      with_.loop.turn(100'000'000);
    greet_ = nullptr;
  }
  ~redis_publisher() { ::close(fd_); }

  void prepare() override {
    if (!stores())
      return;
    for (std::uint32_t i = 0; i < with_.account.jobs(); ++i) {
      call({"FCALL", "jobcast_report", "1", with_.asked.ns, with_.format.job(i), "status", "processing"});
      with_.account.prepare(i, 1);
    }
    await_answers(with_.loop, *this);
  }

  void clean_up() override {
    if (!stores())
      return;
    for (std::uint32_t i = 0; i < with_.account.jobs(); ++i)
      call({"FCALL", "jobcast_delete", "1", with_.asked.ns, with_.format.job(i)});
    await_answers(with_.loop, *this);
  }

  void publish(std::uint32_t job) override {
    auto const version = with_.account.publish(job);
    auto const now = now_ns();
    std::string const id = with_.format.job(job);
    switch (with_.asked.via) {
    case way::fcall:
      command(
          {"FCALL", "jobcast_report", "1", with_.asked.ns, id, "percent", "42", "message", record_format::stamp(now)},
          job);
      break;
    case way::publish:
      command({"PUBLISH", with_.asked.ns + ":report:" + id,
               fmt::format(R"({{"progress":{{"percent":42,"message":"{}"}}}})", record_format::stamp(now))},
              nobody);
      break;
    case way::event:
    case way::http:
      record_.clear();
      with_.format.append(record_, {job, version, now});
      command({"PUBLISH", fill(with_.to.channel, id), fill(with_.to.event, id, std::to_string(version), record_)},
              nobody);
    }
  }

  void send() override {
    while (sent_ < out_.size()) {
      ssize_t const n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EINTR) {
        if (errno != EAGAIN)
          throw std::runtime_error("cannot send to Redis: " + std::string(std::strerror(errno)));
        return await_writable(true);
      }
      sent_ += n > 0 ? static_cast<std::size_t>(n) : 0;
    }
    out_.clear();
    sent_ = 0;
    await_writable(false);
  }

  std::size_t unanswered() const override { return awaited_.size(); }

 private:
  static constexpr std::uint32_t nobody = UINT32_MAX;

  /// Records are needed where jobcast is to read or change them.
  bool stores() const { return with_.to.snapshots; }

  void await_writable(bool wanted) {
    if (std::exchange(writable_wanted_, wanted) != wanted)
      with_.loop.modify(fd_, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
  }

  void command(std::initializer_list<std::string_view> parts, std::uint32_t job) {
    redis::append_command(out_, {parts.begin(), parts.size()});
    awaited_.push_back(job);
  }

  // One of many that are sent as fast as they are answered.
  void call(std::initializer_list<std::string_view> parts) {
    command(parts, nobody);
    if (out_.size() < send_at_once)
      return;
    send();
    while (sent_ < out_.size())
      with_.loop.turn(100'000'000);
  }

  void on_ready(std::uint32_t events) override {
    if (int const why = events & (EPOLLERR | EPOLLHUP) ? connect_error(fd_) : 0)
      throw std::runtime_error("cannot reach Redis at " + with_.asked.redis + ": " + std::strerror(why));
    if (events & EPOLLOUT)
      send();
    if (!(events & EPOLLIN))
      return;
    char bytes[16 * 1024];
    ssize_t const n = recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
      throw std::runtime_error("Redis closed the connection");
    if (n < 0)
      return;
    auto const take = [this](redis::reply_ptr reply) {
      on_reply(reply.get());
      return true;
    };
    if (!incoming_.decode({bytes, static_cast<std::size_t>(n)}, take))
      throw std::runtime_error("what answers at " + with_.asked.redis + " does not speak Redis");
  }

  void on_reply(redis::reply_view reply) {
    if (greet_)
      return greet_(reply);
    if (reply.is_error())
      throw std::runtime_error("redis: " + std::string(reply.text()));
    std::uint32_t const job = awaited_.front();
    awaited_.pop_front();
    if (job != nobody && reply[0].text() != "ok")
      with_.account.refuse(job);
  }

  publishing with_;
  int fd_ = -1;
  redis::decoder incoming_;
  std::function<void(redis::reply_view)> greet_;
  std::string out_, record_;
  std::size_t sent_ = 0;
  bool writable_wanted_ = true;
  std::deque<std::uint32_t> awaited_;
};

} // namespace

std::unique_ptr<publisher> make_redis_publisher(const publishing& with) {
  return std::make_unique<redis_publisher>(with);
}

void await_answers(poller& loop, publisher& p) {
  constexpr std::int64_t patience = 30'000'000'000;
  auto moved = now_ns();
  for (auto left = p.unanswered(); left > 0; loop.turn(100'000'000)) {
    p.send();
    if (std::exchange(left, p.unanswered()) != left)
      moved = now_ns();
    else if (now_ns() - moved > patience)
      throw std::runtime_error(fmt::format("{} reports were not answered", left));
  }
}

} // namespace jobcast::bench
