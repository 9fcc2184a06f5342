#include "jobcast/redis/transport.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <sys/un.h>

namespace jobcast::redis {

std::string describe(const address& where) {
  if (where.how == address::kind::unix_socket)
    return "unix:" + where.path;
  bool ipv6 = where.host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", where.host, where.port) : fmt::format("{}:{}", where.host, where.port);
}

transport::transport(executor ex)
    : resolver_(ex)
    , socket_(ex) {}

void transport::async_connect(const address& where, std::function<void(error_code)> done) {
  where_ = &where;
  if (where.how == address::kind::unix_socket) {
    // Asio throws for a path that does not fit.
    if (where.path.size() >= sizeof(sockaddr_un::sun_path))
      return asio::post(socket_.get_executor(),
                        [done = std::move(done)] { done(asio::error::make_error_code(asio::error::name_too_long)); });
    return connect({asio::local::stream_protocol::endpoint(where.path)}, std::move(done));
  }
  // Resolving takes a thread and may block it for seconds; an address needs none of that.
  error_code not_numeric;
  auto numeric = asio::ip::make_address(where.host, not_numeric);
  if (!not_numeric)
    return connect({tcp::endpoint(numeric, where.port)}, std::move(done));
  resolver_.async_resolve(where.host, std::to_string(where.port),
                          [this, done = std::move(done)](error_code ec, const tcp::resolver::results_type& found) {
                            if (ec)
                              return done(ec);
                            std::vector<protocol::endpoint> endpoints;
                            for (const auto& entry : found)
                              endpoints.emplace_back(entry.endpoint());
                            connect(std::move(endpoints), done);
                          });
}

void transport::connect(std::vector<protocol::endpoint> endpoints, connected done) {
  asio::async_connect(socket_, endpoints, [this, done = std::move(done)](error_code ec, const protocol::endpoint&) {
    if (!ec)
      ec = make_ready();
    if (ec || !where_->tls)
      return done(ec);
    tls_ = std::make_unique<net::tls_channel>(*where_->trust, socket_.native_handle(), net::tls_channel::role::client,
                                              where_->host);
    shake_hands(done);
  });
}

void transport::shake_hands(connected done) {
  error_code const ec = tls_->handshake();
  if (ec != asio::error::would_block) {
    failure_ = tls_->failure();
    return done(ec);
  }
  socket_.async_wait(tls_->unsent() ? asio::socket_base::wait_write : asio::socket_base::wait_read,
                     [this, done = std::move(done)](error_code waited) { waited ? done(waited) : shake_hands(done); });
}

std::size_t transport::read_some(asio::mutable_buffer into, error_code& ec) {
  if (!tls_)
    return socket_.read_some(into, ec);
  std::size_t const n = tls_->read_some(static_cast<char*>(into.data()), into.size(), ec);
  if (n == 0 && !ec)
    ec = asio::error::eof;
  else if (ec && ec != asio::error::would_block)
    failure_ = tls_->failure();
  return n;
}

std::size_t transport::write_some(asio::const_buffer from, error_code& ec) {
  if (!tls_)
    return socket_.write_some(from, ec);
  iovec const piece{const_cast<void*>(from.data()), from.size()};
  return tls_->write_some(&piece, 1, ec);
}

void transport::read_tls(asio::mutable_buffer into, moved done) {
  error_code ec;
  std::size_t const n = read_some(into, ec);
  if (ec != asio::error::would_block)
    return asio::post(socket_.get_executor(), [done = std::move(done), ec, n] { done(ec, n); });
  socket_.async_wait(asio::socket_base::wait_read, [this, into, done = std::move(done)](error_code waited) {
    waited ? done(waited, 0) : read_tls(into, done);
  });
}

void transport::write_tls(asio::const_buffer from, std::size_t written, moved done) {
  error_code ec;
  while (!ec && written < from.size())
    written += write_some(from + written, ec);
  if (!ec)
    ec = tls_->flush();
  if (ec != asio::error::would_block)
    return asio::post(socket_.get_executor(), [done = std::move(done), ec, written] { done(ec, written); });
  socket_.async_wait(asio::socket_base::wait_write, [this, from, written, done = std::move(done)](error_code waited) {
    waited ? done(waited, written) : write_tls(from, written, done);
  });
}

error_code transport::make_ready() {
  error_code ec;
  socket_.non_blocking(true, ec);
  if (!ec && socket_.local_endpoint(ec).protocol().family() != AF_UNIX)
    socket_.set_option(tcp::no_delay(true), ec);
  return ec;
}

void transport::close() {
  resolver_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

} // namespace jobcast::redis
