#include "jobcast/stream/session.hpp"

#include "jobcast/base/clock.hpp"
#include "jobcast/base/log.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <utility>

namespace jobcast::stream {

namespace {

constexpr std::uint16_t junk_limit = 8 * 1024;
constexpr std::chrono::milliseconds farewell{2'000};
// A client is asked for new credentials so long before the old ones end.
constexpr std::int64_t renewal_ms = 30'000;

} // namespace

session::session(net::client_socket socket, host& h, hub::encoding as)
    : host_(h)
    , box_(as)
    , socket_(std::move(socket)) {
  // Without it the kernel takes megabytes of stale updates for a client that does not read.
  socket_.limit_send_buffer(host_.limits.send_buffer);
  host_.counters.streams.add();
  host_.counters.connections.add();
}

session::~session() {
  host_.counters.streams.subtract();
  host_.counters.connections.subtract();
}

void session::start() {
  if (!open())
    return;
  // Spread, so that streams opened together do not beat together.
  auto const half = host_.limits.heartbeat.count() / 2;
  next_beat_ = host_.wheel.now() + milliseconds(static_cast<long>(host_.random() % (half + 1)));
  host_.wheel.arm(*this, next_deadline());
  intrusive_ptr_add_ref(this);
  owns_itself_ = true;
  socket_.wait(net::direction::read, *this);
}

// The next half beat, or what is sooner to be said of the credentials.
milliseconds session::next_deadline() const {
  auto next = std::chrono::duration_cast<milliseconds>(next_beat_ - host_.wheel.now());
  if (who() && who()->expires_at != 0) {
    std::int64_t const at = renewal_asked_ ? who()->expires_at : who()->renew_by - renewal_ms;
    next = std::min(next, milliseconds(at - now_ms()));
  }
  return std::max(next, milliseconds(0));
}

void session::credentials_renewed() {
  renewal_asked_ = false;
  if (!blocked_)
    host_.wheel.arm(*this, next_deadline());
}

// Answers whether the stream is over.
bool session::check_expiry() {
  if (!who() || who()->expires_at == 0)
    return false;
  auto const now = now_ms();
  if (now >= who()->expires_at) {
    expire();
    return true;
  }
  if (who()->renew_by - now <= renewal_ms && !std::exchange(renewal_asked_, true))
    notify(hub::event::reauth(who()->renew_by));
  return false;
}

void session::expire() {
  if (closing_ || !open())
    return;
  host_.counters.streams_expired.add();
  on_expired();
}

void session::flush() {
  if (!open() || blocked_ || sent_all_ || queued_ > 0 || !prepare())
    return;
  if (host_.sends && !socket_.is_tls())
    queue_send();
  else
    send_all();
}

void session::send_all() {
  batch& due = host_.due;
  do {
    box_.gather(dirty(), due);
    if (due.count() == 0)
      break;
    error_code ec;
    std::size_t const sent = socket_.write_some(due.pieces(), due.count(), ec);
    if (failed(ec) || !goes_on(sent, due.bytes(), box_.commit(dirty(), due, sent)))
      return;
  } while (!box_.empty(dirty()));
  all_sent();
}

// The session stays until on_sent(): what is closed meanwhile is not let go before the loop goes on.
void session::queue_send() {
  batch& due = host_.sends->next();
  box_.gather(dirty(), due);
  if (due.count() == 0)
    return all_sent();
  queued_ = static_cast<std::uint32_t>(due.bytes());
  host_.sends->queue(socket_.native_handle(), *this);
}

void session::on_sent(ssize_t result) {
  std::size_t const wanted = std::exchange(queued_, 0);
  if (!open())
    return;
  error_code ec;
  if (result < 0)
    ec = result == -EAGAIN ? asio::error::would_block
                           : error_code(static_cast<int>(-result), boost::system::system_category());
  if (failed(ec))
    return;
  auto const sent = static_cast<std::size_t>(result);
  if (!goes_on(sent, wanted, box_.commit(dirty(), sent)))
    return;
  if (box_.empty(dirty()))
    all_sent();
  else
    queue_send();
}

// Waits, or closes, as a send that sent nothing asks for.
bool session::failed(error_code ec) {
  if (ec == asio::error::would_block)
    block();
  else if (ec)
    close();
  return static_cast<bool>(ec);
}

// After a send of `sent` of `wanted` bytes, which finished so many events. Answers whether the socket takes more.
bool session::goes_on(std::size_t sent, std::size_t wanted, std::size_t events) {
  silence_ = 0;
  host_.counters.deliveries.add(events);
  host_.counters.bytes_sent.add(sent);
  // What a plain socket did not take it will not take now either.
  if (!socket_.is_tls() && sent < wanted) {
    block();
    return false;
  }
  return true;
}

void session::all_sent() {
  if (socket_.unsent())
    return block();
  if (closing_)
    close_gently();
}

void session::block() {
  blocked_ = true;
  blocked_since_ = host_.wheel.now();
  host_.counters.blocked.add();
  wait_writable();
}

// Answers whether streaming may go on.
bool session::flush_socket() {
  error_code const ec = socket_.flush();
  if (ec == asio::error::would_block)
    wait_writable();
  else if (ec)
    close();
  return !ec;
}

void session::wait_writable() {
  host_.wheel.arm(*this, std::min(host_.limits.heartbeat, host_.limits.write_timeout));
  socket_.wait(net::direction::write, *this);
}

void session::on_ready(net::direction which, error_code ec) {
  if (ec)
    return close();
  if (which == net::direction::read)
    on_readable();
  else
    on_writable();
}

void session::on_forgotten() {
  socket_.close_untold();
  if (std::exchange(owns_itself_, false))
    intrusive_ptr_release(this);
}

void session::on_writable() {
  blocked_since_ = host_.wheel.now();
  if (!flush_socket())
    return;
  blocked_ = false;
  // Until now it was armed for the time that a socket may take nothing, and will be again if it takes a part: what is
  // due by now would be put off for as long as the client reads a little.
  go_on();
}

void session::on_readable() {
  char bytes[4096];
  do {
    error_code ec;
    std::size_t const got = socket_.read_some(bytes, sizeof bytes, ec);
    if (ec == asio::error::would_block)
      break;
    if (ec || got == 0 || !on_bytes(bytes, got))
      return close();
  } while (open() && socket_.pending());
  if (open())
    socket_.wait(net::direction::read, *this);
}

bool session::on_bytes(char*, std::size_t size) {
  junk_ = static_cast<std::uint16_t>(junk_ + size);
  return junk_ <= junk_limit;
}

void session::on_deadline() {
  if (sent_all_)
    return close();
  if (!blocked_)
    return go_on();
  if (!closing_)
    check_expiry();
  on_blocked_deadline();
}

// What is due by now, and then what waits.
void session::go_on() {
  // Nothing may follow the last event.
  if (closing_)
    return flush();
  if (check_expiry())
    return;
  if (host_.wheel.now() >= next_beat_) {
    auto const half = host_.limits.heartbeat / 2;
    // From when it was due: what each deadline is late by does not add up. After a long block the next is a half away.
    next_beat_ += half;
    if (next_beat_ <= host_.wheel.now())
      next_beat_ = host_.wheel.now() + half;
    host_.wheel.arm(*this, next_deadline());
    if (++beats_ >= host_.beats_between_times() && is_begun()) {
      beats_ = 0;
      notify(host_.time_now());
    }
    if (++silence_ >= 2)
      keep_alive();
    second_half_ = !second_half_;
    if (second_half_)
      heartbeat();
  } else {
    host_.wheel.arm(*this, next_deadline());
  }
  flush();
}

void session::on_blocked_deadline() {
  auto const stalled = std::chrono::duration_cast<milliseconds>(host_.wheel.now() - blocked_since_);
  if (stalled < host_.limits.write_timeout) {
    host_.wheel.arm(*this, std::min(host_.limits.heartbeat, host_.limits.write_timeout - stalled));
    return;
  }
  host_.counters.slow_closed.add();
  log::info(host_.stalled, "closed a stream whose client took nothing for {} ms (limits.write_timeout)",
            stalled.count());
  close();
}

// Closing with bytes of the peer unread would reset the connection under the last event.
void session::close_gently() {
  sent_all_ = true;
  error_code ec;
  socket_.shutdown_send(ec);
  if (ec)
    return close();
  host_.wheel.arm(*this, farewell);
  on_closed();
}

void session::close() {
  if (!open())
    return;
  disarm();
  socket_.close_untold();
  on_closed();
  if (owns_itself_)
    socket_.retire(*this);
}

} // namespace jobcast::stream
