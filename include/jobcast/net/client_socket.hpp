// The socket of one client, plain or TLS: what request handling and streams read and write, and what is counted for the
// client's address as long as it lives.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/net/admission.hpp"
#include "jobcast/net/tls.hpp"

#include <memory>
#include <sys/uio.h>

namespace jobcast::net {

/// Non-blocking. Not thread-safe. Handlers must keep it alive.
class client_socket {
 public:
  client_socket(tcp_socket socket, admission::ticket place);
  client_socket(client_socket&&) noexcept = default;
  client_socket& operator=(client_socket&&) noexcept = default;

  /// Counts it for another address than the one at the other end, which is a proxy's.
  void set_place(admission::ticket place) { place_ = std::move(place); }
  /// Everything from here on is TLS, beginning with the handshake.
  void start_tls(const tls_context& context);
  bool is_tls() const { return tls_ != nullptr; }
  /// Plain: no error, at once. TLS: would_block while the peer is awaited.
  error_code handshake() { return tls_ ? tls_->handshake() : error_code(); }
  const std::string& tls_failure() const { return tls_->failure(); }

  /// Without waiting: would_block when there is nothing now. 0 without an error is the peer's end.
  std::size_t read_some(char* into, std::size_t size, error_code& ec);
  /// More can be read although the socket is not readable.
  bool pending() const { return tls_ && tls_->pending(); }
  /// Sends from the front of `pieces` what goes out at once, and answers how much. would_block once it takes no more.
  std::size_t write_some(const iovec* pieces, std::size_t count, error_code& ec);
  /// What was taken is still to leave the gateway: call flush() when the socket is writable.
  bool unsent() const { return tls_ && tls_->unsent(); }
  error_code flush() { return tls_ ? tls_->flush() : error_code(); }

  using wait_type = tcp_socket::wait_type;
  template <class Handler> // void(error_code)
  auto async_wait(wait_type until, Handler&& done) {
    return socket_.async_wait(until, std::forward<Handler>(done));
  }

  /// For coroutines: waits until there is something, or for the end.
  task<std::size_t> read(char* into, std::size_t size, error_code& ec);
  /// Sends everything.
  task<> write(std::string_view bytes, error_code& ec);

  bool is_open() const { return socket_.is_open(); }
  int native_handle() { return socket_.native_handle(); }
  /// Ends what is being waited for with operation_aborted.
  void cancel();
  /// Nothing more will be sent; what was taken must be flushed before.
  void shutdown_send(error_code& ec);
  /// What waits ends with an error; everything from here on fails.
  void close();

 private:
  tcp_socket socket_;
  std::unique_ptr<tls_channel> tls_;
  admission::ticket place_;
};

} // namespace jobcast::net
