// The bytes to and from one Redis server, over TCP, TLS or a Unix socket. Nothing above knows what carries them.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/redis/address.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace jobcast::redis {

/// Where that is, for people: `host:port` or `unix:/path`. Never credentials.
std::string describe(const address& where);

/// One connection, used once: after close() make another. Handlers must keep the transport alive. Not thread-safe.
class transport {
 public:
  explicit transport(executor ex);

  /// Resolves the host, tries its addresses in turn, and does the TLS handshake if there is to be one. No time limit:
  /// close() ends it with operation_aborted.
  /// `where` must stay until then.
  void async_connect(const address& where, std::function<void(error_code)> done);

  template <class Handler> // void(error_code, std::size_t)
  void async_read_some(asio::mutable_buffer into, Handler&& done) {
    if (tls_)
      return read_tls(into, std::forward<Handler>(done));
    socket_.async_read_some(into, std::forward<Handler>(done));
  }
  /// Writes all of `from`, which must stay put until then.
  template <class Handler> // void(error_code, std::size_t)
  void async_write(asio::const_buffer from, Handler&& done) {
    if (tls_)
      return write_tls(from, 0, std::forward<Handler>(done));
    asio::async_write(socket_, from, std::forward<Handler>(done));
  }

  /// Without waiting: `ec` is would_block when nothing could be moved.
  std::size_t read_some(asio::mutable_buffer into, error_code& ec);
  std::size_t write_some(asio::const_buffer from, error_code& ec);
  /// More can be read although the socket is not readable.
  bool pending() const { return tls_ && tls_->pending(); }
  /// What was written has not all left yet; async_write of nothing sees to it.
  bool unsent() const { return tls_ && tls_->unsent(); }
  /// Why connecting, or reading over TLS, failed, where there is more to say than its error code.
  const std::string& failure() const { return failure_; }

  void close();

 private:
  using protocol = asio::generic::stream_protocol;

  using connected = std::function<void(error_code)>;
  using moved = std::function<void(error_code, std::size_t)>;
  void connect(std::vector<protocol::endpoint> endpoints, connected done);
  error_code make_ready();
  void shake_hands(connected done);
  void read_tls(asio::mutable_buffer into, moved done);
  void write_tls(asio::const_buffer from, std::size_t written, moved done);

  asio::ip::basic_resolver<tcp, executor> resolver_;
  asio::basic_stream_socket<protocol, executor> socket_;
  const address* where_ = nullptr; ///< while connecting
  std::unique_ptr<net::tls_channel> tls_;
  std::string failure_;
};

} // namespace jobcast::redis
