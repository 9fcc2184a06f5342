#include "crowd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace jobcast::bench {

namespace {

// Those that are connected ask meanwhile, as they would if each were a client of its own.
constexpr std::size_t connects_per_turn = 64;
// Of jobcast: there is no such job, or none that may be seen.
constexpr std::string_view missing[] = {"event: missing", R"({"event":"missing")"};
constexpr std::int64_t opening_patience = 20 * second;
// An address has some 28,000 ports, and those of an earlier run may still be in TIME_WAIT.
constexpr unsigned watchers_per_source = 20'000;

enum opcode : std::uint8_t { text = 1, closing = 8, ping = 9, pong = 10 };

} // namespace

// --- one connection ---

void watcher::connect(unsigned source) {
  fd_ = crowd_.where_.connect(source);
  // Over loopback it is connected by now, and every system call that the load does without is the server's.
  std::string const request = crowd_.request(account_.job, {});
  ssize_t const sent = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(request.size())) {
    stage_ = stage::head;
    return crowd_.poller_.add(fd_, EPOLLIN, *this);
  }
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
    crowd_.closed_by_server(errno);
  if (sent >= 0 || errno != EAGAIN)
    fail_to_connect(sent >= 0 ? ENOBUFS : errno);
  stage_ = stage::connecting;
  crowd_.poller_.add(fd_, EPOLLOUT, *this);
}

void watcher::fail_to_connect(int why) const {
  throw std::runtime_error("cannot connect to " + crowd_.where_.name() + ": " + std::strerror(why));
}

void watcher::close() {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = -1;
  stage_ = stage::closed;
  crowd_.ledger_.close(account_);
  head_ = {};
  chunks_ = {};
  events_ = {};
  frames_ = {};
}

void watcher::on_ready(std::uint32_t) {
  if (stage_ == stage::connecting) {
    if (int const why = connect_error(fd_))
      fail_to_connect(why);
    stage_ = stage::head;
    crowd_.poller_.modify(fd_, EPOLLIN, *this);
    return send(crowd_.request(account_.job, {}));
  }
  auto& buffer = crowd_.buffer_;
  ssize_t const n = recv(fd_, buffer.data(), buffer.size(), 0);
  if (n > 0)
    return on_bytes({buffer.data(), static_cast<std::size_t>(n)});
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  crowd_.closed_by_server(n < 0 ? errno : 0);
}

// What is sent is small, and goes into an empty socket buffer.
void watcher::send(std::string_view bytes) {
  if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("cannot send a request: " + std::string(std::strerror(errno)));
}

void watcher::on_bytes(std::string_view bytes) {
  if (stage_ == stage::body)
    return on_body(bytes);
  std::string_view const all = head_.join(bytes);
  if (crowd_.options_.over == transport::long_poll) {
    if (!on_answers(all))
      throw std::runtime_error("the server's answer is not HTTP/1.1");
    return;
  }
  if (!is_response(all))
    throw std::runtime_error("the server's answer is not HTTP/1.1");
  auto const head = read_response_head(all);
  if (!head)
    return head_.keep(all);
  std::string const rest(all.substr(head->size));
  head_.keep({});
  bool const websocket = crowd_.options_.over == transport::websocket;
  if (head->status != (websocket ? 101 : 200))
    throw std::runtime_error(fmt::format("the server answered {}: {}", head->status, rest));
  on_head(*head);
  if (!rest.empty())
    on_body(rest);
}

void watcher::on_head(const response_head& head) {
  stage_ = stage::body;
  chunked_ = head.chunked;
  if (crowd_.options_.over == transport::websocket)
    for (const std::string& hello : crowd_.peer_.hello)
      send(client_frame(text, fill(hello, crowd_.format_.job(account_.job))));
  if (!crowd_.peer_.snapshots && crowd_.peer_.ready.empty())
    opened(0);
}

void watcher::on_body(std::string_view bytes) {
  bool fine = true;
  if (crowd_.options_.over == transport::websocket)
    fine = frames_.feed(bytes, [this](std::uint8_t opcode, std::string_view payload) { on_frame(opcode, payload); });
  else if (chunked_)
    fine = chunks_.feed(bytes, [this](std::string_view piece) {
      events_.feed(piece, [this](std::string_view event) { on_message(event); });
    });
  else
    events_.feed(bytes, [this](std::string_view event) { on_message(event); });
  if (!fine)
    throw std::runtime_error("the server sent what its protocol does not allow");
}

void watcher::on_frame(std::uint8_t opcode, std::string_view payload) {
  if (opcode == text) {
    // Some servers put several messages into one frame, a line each.
    for (std::size_t end = 0; !payload.empty(); payload.remove_prefix(end)) {
      end = std::min(payload.size(), payload.find('\n'));
      on_message(payload.substr(0, end));
      end += end < payload.size();
    }
  } else if (opcode == ping)
    send(client_frame(pong, payload));
  else if (opcode == closing)
    throw std::runtime_error("the server closed a WebSocket" +
                             (payload.size() > 2 ? ": " + std::string(payload.substr(2)) : ""));
}

// Long polls: each answer is followed by the next request at once.
bool watcher::on_answers(std::string_view all) {
  auto const head = read_response_head(all);
  if (!head) {
    head_.keep(all);
    return is_response(all);
  }
  std::size_t const body = head->content_length.value_or(0);
  if (all.size() < head->size + body) {
    head_.keep(all);
    return true;
  }
  std::string const record(all.substr(head->size, body));
  head_.keep({});
  if (head->status != 200 && head->status != 304)
    throw std::runtime_error(fmt::format("the server answered {}: {}", head->status, record));
  send(crowd_.request(account_.job, head->etag));
  if (head->status == 200)
    on_message(record);
  return true;
}

void watcher::on_message(std::string_view message) {
  auto const found = crowd_.format_.find(message);
  if (!account_.open) {
    if (crowd_.peer_.snapshots && found)
      opened(found->version);
    else if (crowd_.peer_.snapshots && (message.starts_with(missing[0]) || message.starts_with(missing[1])))
      throw std::runtime_error("the gateway does not show the jobs that were reported on: are --redis and --namespace "
                               "its own, and may who asks see them (--header)?");
    else if (!crowd_.peer_.snapshots && message.find(crowd_.peer_.ready) != std::string_view::npos)
      opened(0);
    return;
  }
  if (found && found->job == account_.job && crowd_.ledger_.receive(account_, found->version) == ledger::verdict::news)
    crowd_.received(found->sent_at);
}

// A server without snapshots is taken to know as much as was published.
void watcher::opened(std::uint64_t version) {
  crowd_.ledger_.open(account_, crowd_.peer_.snapshots ? version : crowd_.ledger_.newest(account_.job));
  ++crowd_.opened_;
}

// --- all of them ---

crowd::crowd(poller& p, const options& o, const peer& to, const target& where, const record_format& format,
             ledger& account)
    : poller_(p)
    , options_(o)
    , peer_(to)
    , where_(where)
    , format_(format)
    , ledger_(account) {
  for (std::uint32_t i = 0; i < o.watchers; ++i)
    watchers_.push_back(std::make_unique<watcher>(*this, i % account.jobs()));
  if (where_.loopback()) {
    sources_ = o.sources != 0 ? o.sources : 1 + o.watchers / watchers_per_source;
    // Other ones for each run.
    first_source_ = 1 + static_cast<unsigned>(getpid()) % 50 * 4;
  }
}

double crowd::open(unsigned at_a_time) {
  auto const begin = now_ns();
  std::size_t begun = 0, before = 0;
  opened_ = 0;
  for (auto moved = begin; opened_ < watchers_.size();) {
    std::size_t const most = std::min(watchers_.size(), begun + connects_per_turn);
    for (; begun < most && begun - opened_ < at_a_time; ++begun)
      watchers_[begun]->connect(sources_ == 0 ? 0 : first_source_ + static_cast<unsigned>(begun) % sources_);
    poller_.turn(begun == most && begun < watchers_.size() ? 0 : second / 10);
    if (std::exchange(before, opened_) != opened_)
      moved = now_ns();
    else if (now_ns() - moved > opening_patience)
      throw std::runtime_error(fmt::format("only {} of {} watches were opened", opened_, watchers_.size()));
  }
  return static_cast<double>(now_ns() - begin) / 1e9;
}

void crowd::close() {
  for (auto& w : watchers_)
    w->close();
}

void crowd::closed_by_server(int why) const {
  std::string text =
      opened_ < watchers_.size()
          ? fmt::format("the server closed a connection when {} of {} watches were open", opened_, watchers_.size())
          : "the server closed a connection";
  if (why != 0)
    text += fmt::format(" ({})", std::strerror(why));
  if (opened_ < watchers_.size() && peer_.snapshots)
    text += "; it may have reached limits.connections_per_address, limits.connections, or its limit on open files";
  throw std::runtime_error(text);
}

void crowd::begin() {
  latencies_ = {};
  series_.clear();
  begun_ = now_ns();
}

void crowd::received(std::int64_t sent_at) {
  auto const now = now_ns();
  if (sent_at != 0)
    latencies_.add(now - sent_at);
  auto const slot = static_cast<std::size_t>((now - begun_) / (second / 10));
  if (slot >= series_.size())
    series_.resize(slot + 1);
  ++series_[slot];
}

std::string crowd::request(std::uint32_t job, std::string_view etag) const {
  bool const websocket = options_.over == transport::websocket, poll = options_.over == transport::long_poll;
  std::string const id = format_.job(job);
  std::string out = "GET " + (poll        ? "/api/jobs/" + id + "/status"
                              : websocket ? fill(peer_.websocket, id)
                                          : fill(peer_.sse, id));
  out += " HTTP/1.1\r\nHost: " + where_.name() + "\r\n";
  if (websocket) {
    out += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: am9iY2FzdC1iZW5jaC1rZQ==\r\n";
    if (!peer_.subprotocol.empty())
      out += "Sec-WebSocket-Protocol: " + peer_.subprotocol + "\r\n";
  } else if (!poll) {
    out += "Accept: text/event-stream\r\n";
  } else if (!etag.empty()) {
    out += "Prefer: wait=60\r\nIf-None-Match: " + std::string(etag) + "\r\n";
  }
  for (const std::string& header : options_.headers)
    out += header + "\r\n";
  return out + "\r\n";
}

} // namespace jobcast::bench
