#include "jobcast/net/client_socket.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>
#include <sys/socket.h>

namespace jobcast::net {

namespace {

error_code last_error() {
  if (errno == EAGAIN || errno == EWOULDBLOCK)
    return asio::error::would_block;
  return {errno, boost::system::system_category()};
}

} // namespace

client_socket::client_socket(tcp_socket socket, admission::ticket place)
    : socket_(std::move(socket))
    , place_(std::move(place)) {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
}

void client_socket::start_tls(const tls_context& context) {
  tls_ = std::make_unique<tls_channel>(context, socket_.native_handle(), tls_channel::role::server);
}

std::size_t client_socket::read_some(char* into, std::size_t size, error_code& ec) {
  if (tls_)
    return tls_->read_some(into, size, ec);
  for (;;) {
    ssize_t const n = ::recv(socket_.native_handle(), into, size, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    ec = n < 0 ? last_error() : error_code();
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
    ssize_t const n = count == 1 ? ::send(socket_.native_handle(), pieces->iov_base, pieces->iov_len, how)
                                 : ::sendmsg(socket_.native_handle(), &message, how);
    if (n < 0 && errno == EINTR)
      continue;
    ec = n < 0 ? last_error() : error_code();
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }
}

task<std::size_t> client_socket::read(char* into, std::size_t size, error_code& ec) {
  for (;;) {
    std::size_t const n = read_some(into, size, ec);
    if (ec != asio::error::would_block)
      co_return n;
    co_await socket_.async_wait(tcp_socket::wait_read, asio::redirect_error(use_awaitable, ec));
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
      co_await socket_.async_wait(tcp_socket::wait_write, asio::redirect_error(use_awaitable, ec));
    if (ec)
      co_return;
  }
}

void client_socket::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

void client_socket::shutdown_send(error_code& ec) {
  if (tls_)
    tls_->shutdown();
  socket_.shutdown(tcp::socket::shutdown_send, ec);
}

void client_socket::close() {
  error_code ignored;
  // The number of a closed socket is soon another's.
  tls_.reset();
  socket_.close(ignored);
}

} // namespace jobcast::net
