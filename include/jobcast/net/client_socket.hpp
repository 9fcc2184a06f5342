// The socket of one client, plain or TLS: what request handling and streams read and write, and what is counted for the
// client's address as long as it lives.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/net/admission.hpp"
#include "jobcast/net/readiness.hpp"
#include "jobcast/net/tls.hpp"

#include <boost/asio/async_result.hpp>
#include <memory>
#include <sys/uio.h>
#include <utility>

namespace jobcast::net {

/// Non-blocking. Not thread-safe. Handlers must keep it alive.
class client_socket {
 public:
  /// Owns the descriptor, of a stream socket. Closed at once if the kernel has no room for waiting for it.
  client_socket(int fd, readiness& ready);
  client_socket(client_socket&& other) noexcept
      : ready_(other.ready_)
      , fd_(std::exchange(other.fd_, -1))
      , tls_(std::move(other.tls_))
      , place_(std::move(other.place_)) {}
  client_socket& operator=(client_socket&&) = delete;
  ~client_socket() { close(); }

  /// Counts it for an address, or for another: the one at its end may be a proxy's.
  void set_place(admission::ticket place) { place_ = std::move(place); }
  /// What the address paid for the handshake is given back.
  void refund_handshake() { place_.refund(); }
  /// Everything from here on is TLS, beginning with the handshake.
  void start_tls(const tls_context& context);
  bool is_tls() const { return tls_ != nullptr; }
  /// Plain: no error, at once. TLS: would_block while the peer is awaited.
  error_code handshake();
  const std::string& tls_failure() const { return tls_->failure(); }

  /// Without waiting: would_block when there is nothing now. 0 without an error is the peer's end.
  std::size_t read_some(char* into, std::size_t size, error_code& ec);
  /// More can be read although the socket is not readable.
  bool pending() const { return tls_ && tls_->pending(); }
  /// Sends from the front of `pieces` what goes out at once, and answers how much. would_block once it takes no more.
  std::size_t write_some(const iovec* pieces, std::size_t count, error_code& ec);
  /// The same of a file, from `at` on; at most `most` bytes. 0 without an error: the file has ended.
  std::size_t send_file(int file, std::uint64_t at, std::size_t most, error_code& ec);
  /// What was taken is still to leave the gateway: call flush() when the socket is writable.
  bool unsent() const { return tls_ && tls_->unsent(); }
  error_code flush() { return tls_ ? tls_->flush() : error_code(); }

  /// `who` must stay until it is told, or the socket is closed.
  void wait(direction until, socket_waiter& who) {
    is_open() ? ready_.wait(fd_, until, who) : ready_.abort_soon(who, until);
  }
  template <class Token> // void(error_code)
  auto async_wait(direction until, Token&& done) {
    return asio::async_initiate<Token, void(error_code)>(
        [this, until](auto handler) { wait(until, *new handler_waiter<decltype(handler)>(std::move(handler))); }, done);
  }

  /// True once the peer has closed the connection or its sending half, though bytes of it may be unread.
  bool peer_ended() const { return !is_open() || ready_.ended(fd_); }
  /// Tells `who` when it does so; null: nobody. A close here is told to nobody.
  void listen_for_end(end_listener* who) {
    if (is_open())
      ready_.listen_for_end(fd_, who);
  }

  /// For coroutines: waits until there is something, or for the end.
  task<std::size_t> read(char* into, std::size_t size, error_code& ec);
  /// Sends everything.
  task<> write(std::string_view bytes, error_code& ec);

  bool is_open() const { return fd_ >= 0; }
  int native_handle() const { return fd_; }
  /// Has the kernel hold about so many bytes that are not sent, from here on.
  void limit_send_buffer(std::size_t bytes);
  /// Ends what is being waited for with operation_aborted.
  void cancel();
  /// Nothing more will be sent; what was taken must be flushed before.
  void shutdown_send(error_code& ec);
  /// What coroutines wait for ends with an error; everything from here on fails.
  void close();
  /// The same, for who waits itself and need not be told.
  void close_untold();
  /// Who waited for it is forgotten once what is being done is done.
  void retire(socket_waiter& who) { ready_.retire(who); }

 private:
  void note_drained();

  readiness& ready_;
  int fd_;
  std::unique_ptr<tls_channel> tls_;
  admission::ticket place_;
};

} // namespace jobcast::net
