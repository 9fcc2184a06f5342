// TLS 1.2 and later over a non-blocking socket, for the listener and for Redis.
//
// asio::ssl::stream holds 79 KB per connection before its handshake. Here OpenSSL reads from the socket itself and
// gives its own buffers back while nothing happens, and what it writes goes to a buffer that exists only while the
// socket does not take it: so a write of plain bytes always succeeds, and what a stalled client holds is one record.
#pragma once

#include "jobcast/base/asio.hpp"

#include <boost/system/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <sys/uio.h>

struct ssl_ctx_st;
struct ssl_st;

namespace jobcast::net {

/// What the connections of one kind have in common: certificate, key, what is trusted. Immutable; may be shared by
/// threads, and replaced while connections made with it live on.
class tls_context {
 public:
  /// For a listener. Files in PEM; the certificate's chain included. The error is a sentence that names the file.
  static boost::system::result<tls_context, std::string> server(const std::string& certificate, const std::string& key);
  /// For connecting to a server that must prove its name. `ca` empty: what the system trusts. `certificate` and `key`
  /// may be empty.
  static boost::system::result<tls_context, std::string> client(const std::string& ca, const std::string& certificate,
                                                                const std::string& key);

  ssl_ctx_st* native() const { return context_.get(); }
  /// What a handshake costs a listener, in requests (limits.request_rate).
  unsigned handshake_price() const { return handshake_price_; }

 private:
  explicit tls_context(std::shared_ptr<ssl_ctx_st> context)
      : context_(std::move(context)) {}
  std::shared_ptr<ssl_ctx_st> context_;
  unsigned handshake_price_ = 0;
};

/// One connection's TLS. Does no waiting: would_block says that the socket must first become readable, or writable
/// where unsent() is true.
class tls_channel {
 public:
  enum class role { server, client };
  /// `fd` outlives it. `host`: of a client, the name or address that the server's certificate must be for.
  tls_channel(const tls_context& context, int fd, role as, const std::string& host = {});
  ~tls_channel();
  tls_channel(tls_channel&&) = delete;

  /// Goes on with the handshake; done when it answers no error.
  error_code handshake();
  /// Plain bytes, at most `size`. 0 without an error is the peer's end. Does a bounded amount of work: would_block also
  /// after records without data, when there may be more to read at once; no_buffer_space if the peer has so much
  /// answered, and does not read it, that it can only mean harm.
  std::size_t read_some(char* into, std::size_t size, error_code& ec);
  /// Takes plain bytes from the front of `pieces`, up to one record. would_block if the socket has not taken the one
  /// before.
  std::size_t write_some(const iovec* pieces, std::size_t count, error_code& ec);
  /// Encrypted bytes that the socket has not taken.
  bool unsent() const { return sent_ < out_.size(); }
  /// Gives them to the socket; would_block while some are left.
  error_code flush();
  /// Plain bytes can be read although the socket may not be readable.
  bool pending() const;
  /// Whether, since the last call, a read of the socket found nothing.
  bool take_drained() { return std::exchange(drained_, false); }
  /// Says goodbye. What it writes is flushed like everything else.
  void shutdown();
  /// Why the last operation failed, for the log.
  const std::string& failure() const { return failure_; }

 private:
  friend struct tls_io;
  error_code failed(int result);

  ssl_st* ssl_;
  int fd_;
  std::string out_;
  std::size_t sent_ = 0;
  error_code read_error_;
  bool drained_ = false;
  std::string failure_;
};

} // namespace jobcast::net
