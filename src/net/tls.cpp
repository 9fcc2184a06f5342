#include "jobcast/net/tls.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

namespace jobcast::net {

namespace {

// The most that one record carries (RFC 8446, section 5.1).
constexpr std::size_t record_size = 16 * 1024;
// Answers of the protocol's own to a peer that makes us answer and does not read.
constexpr std::size_t most_unsent = 64 * 1024;
// Records without data, such as a session ticket, that are read over before the loop has its turn again.
constexpr int records_at_once = 4;

std::string openssl_error() {
  char text[256];
  unsigned long const code = ERR_get_error();
  ERR_clear_error();
  if (code == 0)
    return "unknown error";
  ERR_error_string_n(code, text, sizeof text);
  char const* const reason = ERR_reason_error_string(code);
  return reason ? reason : text;
}

using loaded = boost::system::result<void, std::string>;

loaded use_certificate(SSL_CTX* context, const std::string& certificate, const std::string& key) {
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return fmt::format("{} cannot be used as a certificate in PEM: {}", certificate, openssl_error());
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fmt::format("{} cannot be used as a private key in PEM: {}", key, openssl_error());
  if (SSL_CTX_check_private_key(context) != 1)
    return fmt::format("{} is not the key of the certificate in {}", key, certificate);
  return boost::system::in_place_value;
}

std::shared_ptr<ssl_ctx_st> make_context(const SSL_METHOD* method) {
  std::shared_ptr<ssl_ctx_st> context(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Tens of kilobytes a connection, given back while it is idle.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // With it one read goes on for as long as the peer sends key updates, each of which is answered.
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_IGNORE_UNEXPECTED_EOF);
  return context;
}

// A handshake takes a connection and a signature. Measured with OpenSSL 3.0: 0.2 ms with a key of P-256, 0.4 ms with
// RSA of 2,048 bits, 1.5 and 3.2 ms with 3,072 and 4,096. At the default rate one address can take 2 to 8 % of a core,
// while a crowd behind one address (an office) opens 500, 250 or 125 connections at once.
unsigned price_of_handshake(SSL_CTX* context) {
  EVP_PKEY* const key = SSL_CTX_get0_privatekey(context);
  if (EVP_PKEY_is_a(key, "RSA") != 1 && EVP_PKEY_is_a(key, "RSA-PSS") != 1)
    return 2;
  return EVP_PKEY_get_bits(key) <= 2048 ? 4 : 8;
}

} // namespace

boost::system::result<tls_context, std::string> tls_context::server(const std::string& certificate,
                                                                    const std::string& key) {
  auto context = make_context(TLS_server_method());
  if (auto used = use_certificate(context.get(), certificate, key); !used)
    return used.error();
  // Tickets let a client resume without a memory of it here.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  unsigned const price = price_of_handshake(context.get());
  tls_context out(std::move(context));
  out.handshake_price_ = price;
  return out;
}

boost::system::result<tls_context, std::string>
tls_context::client(const std::string& ca, const std::string& certificate, const std::string& key) {
  auto context = make_context(TLS_client_method());
  if (ca.empty() ? SSL_CTX_set_default_verify_paths(context.get()) != 1
                 : SSL_CTX_load_verify_file(context.get(), ca.c_str()) != 1)
    return fmt::format("{} cannot be used as certificates in PEM: {}", ca.empty() ? "the system's store" : ca,
                       openssl_error());
  if (!certificate.empty())
    if (auto used = use_certificate(context.get(), certificate, key); !used)
      return used.error();
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return tls_context(std::move(context));
}

// OpenSSL's view of the socket: reads come straight from it, writes go to the channel's buffer.
struct tls_io {
  static tls_channel& channel(BIO* b) { return *static_cast<tls_channel*>(BIO_get_data(b)); }

  static int read(BIO* b, char* into, std::size_t size, std::size_t* got) {
    tls_channel& c = channel(b);
    BIO_clear_retry_flags(b);
    ssize_t n;
    do
      n = ::recv(c.fd_, into, size, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    *got = n > 0 ? static_cast<std::size_t>(n) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      c.drained_ = true;
      BIO_set_retry_read(b);
    } else if (n < 0)
      c.read_error_ = error_code(errno, boost::system::system_category());
    else if (n == 0)
      c.read_error_ = asio::error::eof;
    return n > 0 ? 1 : 0;
  }

  static int write(BIO* b, const char* from, std::size_t size, std::size_t* written) {
    channel(b).out_.append(from, size);
    *written = size;
    return 1;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO* make(tls_channel& c) {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "jobcast socket");
      BIO_meth_set_read_ex(m, read);
      BIO_meth_set_write_ex(m, write);
      BIO_meth_set_ctrl(m, control);
      return m;
    }();
    BIO* const b = BIO_new(method);
    BIO_set_data(b, &c);
    BIO_set_init(b, 1);
    return b;
  }
};

tls_channel::tls_channel(const tls_context& context, int fd, role as, const std::string& host)
    : ssl_(SSL_new(context.native()))
    , fd_(fd) {
  BIO* const io = tls_io::make(*this);
  SSL_set_bio(ssl_, io, io);
  if (as == role::server) {
    SSL_set_accept_state(ssl_);
    return;
  }
  SSL_set_connect_state(ssl_);
  error_code not_numeric;
  asio::ip::make_address(host, not_numeric);
  if (not_numeric) {
    SSL_set_tlsext_host_name(ssl_, host.c_str());
    SSL_set1_host(ssl_, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host.c_str());
  }
}

tls_channel::~tls_channel() {
  SSL_free(ssl_);
}

error_code tls_channel::failed(int result) {
  int const why = SSL_get_error(ssl_, result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    ERR_clear_error();
    return asio::error::would_block;
  }
  if (why == SSL_ERROR_ZERO_RETURN)
    return asio::error::eof;
  if (long const verified = SSL_get_verify_result(ssl_); verified != X509_V_OK) {
    failure_ = fmt::format("the certificate is not good: {}", X509_verify_cert_error_string(verified));
    ERR_clear_error();
  } else {
    failure_ = openssl_error();
  }
  if (read_error_)
    return read_error_;
  return boost::system::errc::make_error_code(boost::system::errc::protocol_error);
}

error_code tls_channel::handshake() {
  ERR_clear_error();
  int const result = SSL_do_handshake(ssl_);
  error_code const ec = result == 1 ? error_code() : failed(result);
  // Also what refuses the peer goes out.
  error_code const flushed = flush();
  return ec ? ec : flushed;
}

std::size_t tls_channel::read_some(char* into, std::size_t size, error_code& ec) {
  std::size_t got = 0;
  int records = 0;
  do {
    ERR_clear_error();
    int const result = SSL_read_ex(ssl_, into, size, &got);
    ec = result == 1 ? error_code() : failed(result);
  } while (ec == asio::error::would_block && pending() && ++records < records_at_once);
  if (ec == asio::error::eof) {
    ec = {};
    return 0;
  }
  // Answers of the protocol's own, such as to a key update.
  if (unsent())
    flush();
  if (out_.size() - sent_ > most_unsent) {
    failure_ = "the peer has TLS answer it and does not read";
    ec = asio::error::no_buffer_space;
  }
  return ec ? 0 : got;
}

std::size_t tls_channel::write_some(const iovec* pieces, std::size_t count, error_code& ec) {
  ec = flush();
  if (ec)
    return 0;
  char gathered[record_size];
  std::size_t size = 0;
  for (std::size_t i = 0; i < count && size < record_size; ++i) {
    std::size_t const part = std::min(pieces[i].iov_len, record_size - size);
    std::memcpy(gathered + size, pieces[i].iov_base, part);
    size += part;
  }
  std::size_t written = 0;
  ERR_clear_error();
  if (int const result = SSL_write_ex(ssl_, gathered, size, &written); result != 1) {
    ec = failed(result);
    return 0;
  }
  if (error_code const flushed = flush(); flushed && flushed != asio::error::would_block)
    ec = flushed;
  return written;
}

error_code tls_channel::flush() {
  while (unsent()) {
    ssize_t const n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno == EAGAIN || errno == EWOULDBLOCK ? asio::error::make_error_code(asio::error::would_block)
                                                     : error_code(errno, boost::system::system_category());
    sent_ += static_cast<std::size_t>(n);
  }
  if (sent_ > 0) {
    std::string().swap(out_);
    sent_ = 0;
  }
  return {};
}

bool tls_channel::pending() const {
  return SSL_has_pending(ssl_) == 1;
}

void tls_channel::shutdown() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
  flush();
}

} // namespace jobcast::net
