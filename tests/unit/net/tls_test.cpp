#include "jobcast/net/client_socket.hpp"
#include "jobcast/net/tls.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

using namespace jobcast;

namespace {

// A certificate that signed itself, and its key, in files.
struct identity_files {
  std::string folder = [] {
    std::string name = (std::filesystem::temp_directory_path() / "jobcast-tls-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    return name;
  }();
  std::string certificate = folder + "/certificate.pem", key = folder + "/key.pem";

  explicit identity_files(EVP_PKEY* pair = EVP_EC_gen("P-256")) {
    X509* const made = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), 0);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, pair);
    REQUIRE(X509_sign(made, pair, EVP_sha256()) > 0);
    write(certificate, [&](FILE* to) { return PEM_write_X509(to, made); });
    write(key, [&](FILE* to) { return PEM_write_PrivateKey(to, pair, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(made);
    EVP_PKEY_free(pair);
  }
  ~identity_files() { std::filesystem::remove_all(folder); }

  template <class Write>
  static void write(const std::string& path, Write put) {
    FILE* const to = std::fopen(path.c_str(), "w");
    REQUIRE(to != nullptr);
    REQUIRE(put(to) == 1);
    std::fclose(to);
  }
};

net::tls_context server_context() {
  identity_files const files;
  return *net::tls_context::server(files.certificate, files.key);
}

// A peer that does with OpenSSL what no honest client would.
class peer {
 public:
  explicit peer(int fd)
      : context_(SSL_CTX_new(TLS_client_method()))
      , ssl_(SSL_new(context_)) {
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    SSL_set_fd(ssl_, fd);
    SSL_set_connect_state(ssl_);
  }
  ~peer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  bool shake_hands() { return SSL_do_handshake(ssl_) == 1; }
  /// Asks for new keys until the socket takes no more, and never reads; answers how often.
  int flood(int most) {
    int sent = 0;
    while (sent < most && SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(ssl_) == 1)
      ++sent;
    return sent;
  }
  int write(std::string_view text) { return SSL_write(ssl_, text.data(), static_cast<int>(text.size())); }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
};

struct pair_of_sockets {
  int ours = -1, theirs = -1;
  pair_of_sockets() {
    int both[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0);
    ours = both[0];
    theirs = both[1];
  }
  ~pair_of_sockets() {
    ::close(ours);
    ::close(theirs);
  }
};

void shake_hands(net::tls_channel& server, peer& client) {
  for (int i = 0; i < 10; ++i)
    if (bool const done = client.shake_hands(); !server.handshake() && done)
      return;
  FAIL("no handshake");
}

} // namespace

TEST_CASE("a read does a bounded amount of work for a peer that sends nothing but key updates") {
  auto const context = server_context();
  pair_of_sockets const fds;
  net::tls_channel server(context, fds.ours, net::tls_channel::role::server);
  peer client(fds.theirs);
  shake_hands(server, client);
  int const sent = client.flood(500);
  REQUIRE(sent > 100);
  char bytes[100];
  error_code ec;
  CHECK(server.read_some(bytes, sizeof bytes, ec) == 0);
  CHECK(ec == asio::error::would_block);
  // The rest is still in the socket.
  int reads = 1;
  char one;
  while (::recv(fds.ours, &one, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
    server.read_some(bytes, sizeof bytes, ec);
    REQUIRE(ec == asio::error::would_block);
    ++reads;
  }
  CHECK(reads > sent / 8);
  REQUIRE(client.write("still there") > 0);
  // After the update that the socket did not take before.
  std::size_t got = 0;
  for (int i = 0; i < 2 && got == 0; ++i)
    got = server.read_some(bytes, sizeof bytes, ec);
  CHECK(got == 11);
}

TEST_CASE("a peer that has TLS answer without end and does not read is given up") {
  auto const context = server_context();
  pair_of_sockets const fds;
  int const small = 4096;
  ::setsockopt(fds.ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  net::tls_channel server(context, fds.ours, net::tls_channel::role::server);
  peer client(fds.theirs);
  shake_hands(server, client);
  char bytes[100];
  error_code ec = asio::error::would_block;
  int updates = 0;
  for (int idle = 0; ec == asio::error::would_block && idle < 100;) {
    int const sent = client.flood(100);
    updates += sent;
    idle = sent == 0 ? idle + 1 : 0;
    for (int i = 0; i < 100 && ec == asio::error::would_block; ++i)
      server.read_some(bytes, sizeof bytes, ec);
    REQUIRE(updates < 100'000);
  }
  CHECK(ec == asio::error::no_buffer_space);
  CHECK(server.failure().find("does not read") != std::string::npos);
}

TEST_CASE("a closed TLS socket touches nothing that is opened under its number") {
  auto const context = server_context();
  asio::io_context io;
  int const number = ::socket(AF_INET, SOCK_STREAM, 0);
  net::client_socket socket(number, asio::use_service<net::readiness>(io));
  socket.start_tls(context);
  socket.close();
  pair_of_sockets const others;
  REQUIRE(::dup2(others.ours, number) == number);
  REQUIRE(::send(others.theirs, "secret", 6, 0) == 6);
  char bytes[100];
  error_code ec;
  CHECK_FALSE(socket.handshake());
  CHECK(socket.read_some(bytes, sizeof bytes, ec) == 0);
  CHECK(ec);
  CHECK(socket.write_some(nullptr, 0, ec) == 0);
  CHECK(ec);
  CHECK(::recv(others.ours, bytes, sizeof bytes, MSG_DONTWAIT) == 6);
  CHECK(::recv(others.theirs, bytes, sizeof bytes, MSG_DONTWAIT) < 0);
  ::close(number);
}

TEST_CASE("a handshake costs more requests the larger the key") {
  auto const price = [](EVP_PKEY* pair) {
    identity_files const files(pair);
    return net::tls_context::server(files.certificate, files.key)->handshake_price();
  };
  CHECK(price(EVP_EC_gen("P-256")) == 2);
  CHECK(price(EVP_RSA_gen(2048)) == 4);
  CHECK(price(EVP_RSA_gen(3072)) == 8);
}
