// The bytes to and from one Redis server, over TCP or a Unix socket.
//
// This is the seam where TLS goes in: a socket wrapped in asio::ssl::stream behind these same members, its handshake
// part of async_connect. Nothing above knows what carries the bytes.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/redis/address.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <string>
#include <vector>

namespace jobcast::redis {

/// Where that is, for people: `host:port` or `unix:/path`. Never credentials.
std::string describe(const address& where);

/// One connection, used once: after close() make another. Handlers must keep the transport alive. Not thread-safe.
class transport {
 public:
  explicit transport(executor ex);

  /// Resolves the host and tries its addresses in turn. No time limit: close() ends it with operation_aborted.
  void async_connect(const address& where, std::function<void(error_code)> done);

  template <class Handler> // void(error_code, std::size_t)
  void async_read_some(asio::mutable_buffer into, Handler&& done) {
    socket_.async_read_some(into, std::forward<Handler>(done));
  }
  /// Writes all of `from`, which must stay put until then.
  template <class Handler> // void(error_code, std::size_t)
  void async_write(asio::const_buffer from, Handler&& done) {
    asio::async_write(socket_, from, std::forward<Handler>(done));
  }

  /// Without waiting: `ec` is would_block when nothing could be moved.
  std::size_t read_some(asio::mutable_buffer into, error_code& ec) { return socket_.read_some(into, ec); }
  std::size_t write_some(asio::const_buffer from, error_code& ec) { return socket_.write_some(from, ec); }

  void close();

 private:
  using protocol = asio::generic::stream_protocol;

  void connect(std::vector<protocol::endpoint> endpoints, std::function<void(error_code)> done);
  error_code make_ready();

  asio::ip::basic_resolver<tcp, executor> resolver_;
  asio::basic_stream_socket<protocol, executor> socket_;
};

} // namespace jobcast::redis
