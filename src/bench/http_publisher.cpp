// Reports over HTTP: to jobcast in batches of lines, to another server one a request, pipelined. A job's reports all go
// on one connection, so that they stay in order.
#include "cutters.hpp"
#include "publisher.hpp"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace jobcast::bench {

namespace {

// Requests under way on one connection: batches wait for each other, single ones must not.
constexpr std::size_t batches_at_once = 2, posts_at_once = 64;

class http_link final : public pollable {
 public:
  http_link(const publishing& with, const target& where)
      : with_(with)
      , where_(where)
      , fd_(where.connect()) {
    with_.loop.add(fd_, EPOLLIN | EPOLLOUT, *this);
  }
  ~http_link() { ::close(fd_); }
  http_link(const http_link&) = delete;
  http_link& operator=(const http_link&) = delete;

  /// A line, or with a peer's own body one request, about a job.
  void queue(std::uint32_t job, std::string body) { queued_.push_back({job, std::move(body)}); }
  void remove(std::uint32_t job) {
    head("DELETE", "/api/jobs/" + with_.format.job(job), {}, 0);
    under_way_.push_back({});
  }

  void send() {
    bool const batches = with_.to.post_body.empty();
    while (!queued_.empty() && under_way_.size() < (batches ? batches_at_once : posts_at_once))
      make_request(batches ? with_.asked.batch : 1);
    flush();
  }

  std::size_t unanswered() const {
    std::size_t sum = queued_.size();
    for (auto const& jobs : under_way_)
      sum += std::max<std::size_t>(1, jobs.size());
    return sum;
  }

 private:
  struct report {
    std::uint32_t job;
    std::string body;
  };

  void make_request(std::size_t most) {
    std::vector<std::uint32_t> jobs;
    std::string body;
    std::string const path = fill(with_.to.post, with_.format.job(queued_.front().job));
    for (; !queued_.empty() && jobs.size() < most; queued_.pop_front()) {
      jobs.push_back(queued_.front().job);
      body += queued_.front().body;
    }
    head("POST", path, with_.to.post_type, body.size());
    out_ += body;
    under_way_.push_back(std::move(jobs));
  }

  void head(std::string_view method, std::string_view path, std::string_view type, std::size_t size) {
    fmt::format_to(std::back_inserter(out_), "{} {} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n", method, path,
                   where_.name(), size);
    if (!type.empty())
      out_.append("Content-Type: ").append(type).append("\r\n");
    for (const std::string& header : with_.asked.headers)
      out_.append(header).append("\r\n");
    out_.append("\r\n");
  }

  void flush() {
    if (!connected_)
      return;
    while (!out_.empty()) {
      ssize_t const n = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN && errno != EINTR)
        throw std::runtime_error("cannot send a report: " + std::string(std::strerror(errno)));
      if (n <= 0)
        break;
      out_.erase(0, static_cast<std::size_t>(n));
    }
    if (std::exchange(writable_wanted_, !out_.empty()) != !out_.empty())
      with_.loop.modify(fd_, writable_wanted_ ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
  }

  void on_ready(std::uint32_t events) override {
    if (!connected_) {
      if (int const why = connect_error(fd_))
        throw std::runtime_error("cannot connect to " + where_.name() + ": " + std::strerror(why));
      connected_ = true;
    }
    if (events & EPOLLIN)
      read();
    flush();
  }

  void read() {
    char bytes[64 * 1024];
    ssize_t const n = recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (n <= 0)
      throw std::runtime_error("the server closed the connection that reports are sent on");
    std::string_view all = incoming_.join({bytes, static_cast<std::size_t>(n)});
    while (auto const head = read_response_head(all)) {
      std::string body;
      std::size_t const size = body_of(all.substr(head->size), *head, body);
      if (size == std::string_view::npos)
        break;
      all.remove_prefix(head->size + size);
      on_answer(head->status, body);
    }
    incoming_.keep(all);
  }

  /// Its size with its framing, or npos if it has not wholly come.
  static std::size_t body_of(std::string_view bytes, const response_head& head, std::string& body) {
    if (!head.chunked) {
      std::size_t const size = head.content_length.value_or(0);
      if (bytes.size() < size)
        return std::string_view::npos;
      body = bytes.substr(0, size);
      return size;
    }
    // Few servers chunk such answers, so it may be read anew each time.
    auto const end = bytes.find("0\r\n\r\n");
    if (end == std::string_view::npos)
      return std::string_view::npos;
    dechunker chunks;
    chunks.feed(bytes.substr(0, end + 5), [&](std::string_view piece) { body += piece; });
    return end + 5;
  }

  void on_answer(unsigned status, std::string_view body) {
    if (status < 200 || status > 299 || under_way_.empty())
      throw std::runtime_error(fmt::format("the server answered {}: {}", status, body.substr(0, 500)));
    auto const jobs = std::move(under_way_.front());
    under_way_.pop_front();
    if (!with_.to.post_body.empty())
      return;
    for (std::uint32_t job : jobs) {
      auto const line = body.substr(0, body.find('\n'));
      body.remove_prefix(std::min(body.size(), line.size() + 1));
      if (line.find(R"("result":"ok")") == std::string_view::npos)
        with_.account.refuse(job);
    }
  }

  publishing with_;
  const target& where_;
  int fd_;
  bool connected_ = false, writable_wanted_ = true;
  std::string out_;
  std::deque<report> queued_;
  std::deque<std::vector<std::uint32_t>> under_way_;
  remainder incoming_;
};

class http_publisher final : public publisher {
 public:
  http_publisher(const publishing& with, const target& where)
      : with_(with) {
    for (unsigned i = 0; i < with.asked.connections; ++i)
      links_.push_back(std::make_unique<http_link>(with_, where));
  }

  void prepare() override {
    if (!with_.to.snapshots)
      return;
    for (std::uint32_t i = 0; i < with_.account.jobs(); ++i) {
      link_of(i).queue(i, line(i, R"("status":"processing")"));
      with_.account.prepare(i, 1);
    }
    await_answers(with_.loop, *this);
  }

  void clean_up() override {
    if (!with_.to.snapshots)
      return;
    for (std::uint32_t i = 0; i < with_.account.jobs(); ++i) {
      link_of(i).remove(i);
      if (i % 256 == 255)
        await_answers(with_.loop, *this);
    }
    await_answers(with_.loop, *this);
  }

  void publish(std::uint32_t job) override {
    auto const version = with_.account.publish(job);
    auto const now = now_ns();
    if (with_.to.post_body.empty())
      return link_of(job).queue(
          job, line(job, fmt::format(R"("progress":{{"percent":42,"message":"{}"}})", record_format::stamp(now))));
    record_.clear();
    with_.format.append(record_, {job, version, now});
    link_of(job).queue(job, fill(with_.to.post_body, with_.format.job(job), std::to_string(version), record_));
  }

  void send() override {
    for (auto& l : links_)
      l->send();
  }

  std::size_t unanswered() const override {
    std::size_t sum = 0;
    for (auto const& l : links_)
      sum += l->unanswered();
    return sum;
  }

 private:
  http_link& link_of(std::uint32_t job) { return *links_[job % links_.size()]; }
  std::string line(std::uint32_t job, std::string_view members) const {
    return fmt::format(R"({{"id":"{}",{}}})", with_.format.job(job), members) + "\n";
  }

  publishing with_;
  std::vector<std::unique_ptr<http_link>> links_;
  std::string record_;
};

} // namespace

std::unique_ptr<publisher> make_http_publisher(const publishing& with, const target& where) {
  return std::make_unique<http_publisher>(with, where);
}

} // namespace jobcast::bench
