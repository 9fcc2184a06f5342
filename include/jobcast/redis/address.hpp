// Where a Redis is, from the URL in `redis.url`.
#pragma once

#include "jobcast/net/tls.hpp"

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobcast::redis {

struct address {
  enum class kind { tcp, unix_socket };
  kind how = kind::tcp;
  std::string host = "127.0.0.1"; ///< tcp
  std::uint16_t port = 6379;      ///< tcp
  std::string path;               ///< unix_socket
  std::string user, password;     ///< AUTH, when password is not empty
  unsigned database = 0;          ///< SELECT, when not 0
  bool tls = false;               ///< rediss://
  /// Of tls: how to prove the server's name and ours. Not part of the URL; whoever connects sets it.
  std::optional<net::tls_context> trust;
};

/// Reads `redis://[user[:password]@]host[:port][/db]`, the same with `rediss://` for TLS (password percent-decoded,
/// IPv6 hosts in brackets) and `unix:///path/to.sock[?db=n]`. On failure the error is a sentence naming what to change;
/// it never holds the password.
boost::system::result<address, std::string> parse_url(std::string_view url);

} // namespace jobcast::redis
