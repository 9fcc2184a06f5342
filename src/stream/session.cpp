#include "jobcast/stream/session.hpp"

#include "jobcast/base/log.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace jobcast::stream {

namespace {

constexpr std::size_t pieces_per_send = 64;
constexpr std::uint16_t junk_limit = 8 * 1024;
constexpr std::chrono::milliseconds farewell{2'000};

} // namespace

session::session(tcp_socket socket, host& h, hub::encoding as)
    : host_(h)
    , box_(as)
    , socket_(std::move(socket)) {
  host_.counters.streams.add();
  host_.counters.connections.add();
}

session::~session() {
  host_.counters.streams.subtract();
  host_.counters.connections.subtract();
}

void session::start() {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
  // Spread over a heartbeat's length, so that streams opened together do not beat together.
  auto const beat = host_.limits.heartbeat.count();
  host_.wheel.arm(*this, std::chrono::milliseconds(beat / 2 + static_cast<long>(host_.random() % (beat / 2 + 1))));
  wait_readable();
}

void session::flush() {
  if (!open() || blocked_ || sent_all_ || queued_ || !prepare())
    return;
  if (host_.ring)
    queue_send();
  else
    send_all();
}

void session::queue_send() {
  iovec pieces[pieces_per_send];
  std::size_t const count = box_.gather(dirty(), pieces, pieces_per_send);
  if (count == 0)
    return settle();
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < count; ++i)
    wanted += pieces[i].iov_len;
  queued_bytes_ = static_cast<std::uint32_t>(wanted);
  queued_ = true;
  host_.ring->queue(socket_.native_handle(), {pieces, count}, *this);
}

void session::on_sent(ssize_t result) {
  queued_ = false;
  if (open() && sent(result, queued_bytes_)) {
    if (box_.empty(dirty()))
      settle();
    else
      queue_send();
  }
}

// Answers whether the socket takes more.
bool session::sent(ssize_t result, std::size_t wanted) {
  if (result < 0 && result != -EAGAIN) {
    close();
    return false;
  }
  if (result > 0) {
    host_.counters.deliveries.add(box_.commit(dirty(), static_cast<std::size_t>(result)));
    host_.counters.bytes_sent.add(static_cast<std::uint64_t>(result));
  }
  if (result == static_cast<ssize_t>(wanted))
    return true;
  blocked_ = true;
  blocked_since_ = host_.wheel.now();
  host_.counters.blocked.add();
  wait_writable();
  return false;
}

void session::settle() {
  if (closing_)
    close_gently();
}

void session::send_all() {
  for (;;) {
    iovec pieces[pieces_per_send];
    std::size_t const count = box_.gather(dirty(), pieces, pieces_per_send);
    if (count == 0)
      break;
    std::size_t wanted = 0;
    for (std::size_t i = 0; i < count; ++i)
      wanted += pieces[i].iov_len;
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = count;
    ssize_t const taken = count == 1 ? ::send(socket_.native_handle(), pieces[0].iov_base, wanted, MSG_DONTWAIT | MSG_NOSIGNAL) : ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (!sent(taken < 0 ? -errno : taken, wanted))
      return;
  }
  settle();
}

void session::wait_writable() {
  host_.wheel.arm(*this, std::min(host_.limits.heartbeat, host_.limits.write_timeout));
  if (std::exchange(waiting_writable_, true))
    return;
  socket_.async_wait(tcp_socket::wait_write, [self = shared_from_this()](error_code ec) {
    self->waiting_writable_ = false;
    if (ec || !self->open())
      return;
    self->blocked_ = false;
    self->flush();
  });
}

void session::wait_readable() {
  socket_.async_wait(tcp_socket::wait_read, [self = shared_from_this()](error_code ec) {
    if (ec || !self->open())
      return;
    char bytes[4096];
    ssize_t const got = ::recv(self->socket_.native_handle(), bytes, sizeof bytes, MSG_DONTWAIT);
    bool const nothing_yet = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (got <= 0 && !nothing_yet)
      return self->close();
    if (got > 0 && !self->on_bytes(bytes, static_cast<std::size_t>(got)))
      return self->close();
    if (self->open())
      self->wait_readable();
  });
}

bool session::on_bytes(char*, std::size_t size) {
  junk_ = static_cast<std::uint16_t>(junk_ + size);
  return junk_ <= junk_limit;
}

void session::on_deadline() {
  if (sent_all_)
    return close();
  if (!blocked_) {
    host_.wheel.arm(*this, host_.limits.heartbeat);
    return heartbeat();
  }
  auto const stalled = std::chrono::duration_cast<std::chrono::milliseconds>(host_.wheel.now() - blocked_since_);
  if (stalled < host_.limits.write_timeout) {
    host_.wheel.arm(*this, std::min(host_.limits.heartbeat, host_.limits.write_timeout - stalled));
    return;
  }
  host_.counters.slow_closed.add();
  log::info("closed a stream whose client took nothing for {} ms (limits.write_timeout)", stalled.count());
  close();
}

// Closing with bytes of the peer unread would reset the connection under the last event.
void session::close_gently() {
  sent_all_ = true;
  error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  if (ec)
    return close();
  host_.wheel.arm(*this, farewell);
  on_closed();
}

void session::close() {
  if (!open())
    return;
  disarm();
  error_code ignored;
  socket_.close(ignored);
  on_closed();
}

} // namespace jobcast::stream
