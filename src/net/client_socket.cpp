#include "jobcast/net/client_socket.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace jobcast::net {

namespace {

// The most that one record carries (RFC 8446, section 5.1).
constexpr std::size_t tls_record = 16 * 1024;

error_code last_error() {
  if (errno == EAGAIN || errno == EWOULDBLOCK)
    return asio::error::would_block;
  return {errno, boost::system::system_category()};
}

} // namespace

client_socket::client_socket(int fd, readiness& ready)
    : ready_(ready)
    , fd_(fd) {
  if (ready_.add(fd))
    ::close(std::exchange(fd_, -1));
}

void client_socket::start_tls(const tls_context& context) {
  tls_ = std::make_unique<tls_channel>(context, fd_, tls_channel::role::server);
}

error_code client_socket::handshake() {
  if (!tls_)
    return {};
  error_code const ec = tls_->handshake();
  note_drained();
  return ec;
}

void client_socket::note_drained() {
  if (tls_->take_drained() && is_open())
    ready_.found_nothing(fd_);
}

std::size_t client_socket::read_some(char* into, std::size_t size, error_code& ec) {
  if (tls_) {
    std::size_t const n = tls_->read_some(into, size, ec);
    note_drained();
    return n;
  }
  for (;;) {
    ssize_t const n = ::recv(fd_, into, size, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    ec = n < 0 ? last_error() : error_code();
    if (ec == asio::error::would_block)
      ready_.found_nothing(fd_);
    else if (n > 0 && static_cast<std::size_t>(n) < size)
      ready_.found_less(fd_);
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }
}

std::size_t client_socket::write_some(const iovec* pieces, std::size_t count, error_code& ec) {
  if (tls_)
    return tls_->write_some(pieces, count, ec);
  constexpr int how = MSG_DONTWAIT | MSG_NOSIGNAL;
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = count;
  for (;;) {
    // The kernel takes one piece with less ado.
    ssize_t const n = count == 1 ? ::send(fd_, pieces->iov_base, pieces->iov_len, how) : ::sendmsg(fd_, &message, how);
    if (n < 0 && errno == EINTR)
      continue;
    ec = n < 0 ? last_error() : error_code();
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }
}

std::size_t client_socket::send_file(int file, std::uint64_t at, std::size_t most, error_code& ec) {
  auto from = static_cast<off_t>(at);
  ssize_t n;
  if (!tls_) {
    do
      n = ::sendfile(fd_, file, &from, most);
    while (n < 0 && errno == EINTR);
    ec = n < 0 ? last_error() : error_code();
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  // Nothing is read in vain.
  ec = flush();
  if (ec)
    return 0;
  char part[tls_record];
  do
    n = ::pread(file, part, std::min(most, sizeof part), from);
  while (n < 0 && errno == EINTR);
  ec = n < 0 ? error_code(errno, boost::system::system_category()) : error_code();
  if (n <= 0)
    return 0;
  iovec const piece{part, static_cast<std::size_t>(n)};
  return tls_->write_some(&piece, 1, ec);
}

void client_socket::limit_send_buffer(std::size_t bytes) {
  int const size = static_cast<int>(bytes);
  if (is_open())
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

task<std::size_t> client_socket::read(char* into, std::size_t size, error_code& ec) {
  for (;;) {
    if (!is_open()) {
      ec = asio::error::operation_aborted;
      co_return 0;
    }
    // TLS may hold what was read already.
    if (tls_ || ready_.readable(fd_)) {
      std::size_t const n = read_some(into, size, ec);
      if (ec != asio::error::would_block)
        co_return n;
    }
    co_await async_wait(direction::read, asio::redirect_error(use_awaitable, ec));
    if (ec)
      co_return 0;
  }
}

task<> client_socket::write(std::string_view bytes, error_code& ec) {
  while (!bytes.empty() || unsent()) {
    iovec const piece{const_cast<char*>(bytes.data()), bytes.size()};
    ec = flush();
    if (!ec && !bytes.empty())
      bytes.remove_prefix(write_some(&piece, 1, ec));
    if (ec && ec != asio::error::would_block)
      co_return;
    if (ec || unsent())
      co_await async_wait(direction::write, asio::redirect_error(use_awaitable, ec));
    if (ec)
      co_return;
  }
}

void client_socket::cancel() {
  if (is_open())
    ready_.cancel(fd_);
}

void client_socket::shutdown_send(error_code& ec) {
  if (tls_)
    tls_->shutdown();
  ec = ::shutdown(fd_, SHUT_WR) == 0 ? error_code() : last_error();
}

void client_socket::close() {
  cancel();
  close_untold();
}

void client_socket::close_untold() {
  if (!is_open())
    return;
  // The number of a closed socket is soon another's.
  tls_.reset();
  ready_.remove(fd_);
  ::close(std::exchange(fd_, -1));
}

} // namespace jobcast::net
