// Which addresses a webhook may be sent to. A URL comes from whoever creates jobs, and a gateway stands where the
// public does not: without this, anyone who can create a job could have it talk to databases, neighbours and cloud
// metadata. Judged is the address that is about to be connected to, not the name, so that a name that resolves to
// something else the second time gains nothing. Pure.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::notify {

/// A network such as 10.0.0.0/8, or one address. IPv4 is held as its IPv4-mapped IPv6 network.
class network {
 public:
  /// `10.0.0.0/8`, `fd00::/8`, `127.0.0.1`; nothing if it is none, or has bits set behind its prefix.
  static std::optional<network> parse(std::string_view text);
  bool holds(const boost::asio::ip::address& address) const;

 private:
  boost::asio::ip::address_v6::bytes_type bytes_{};
  unsigned prefix_ = 128;
};

/// Not reachable through the public Internet: loopback, private, shared, link-local (cloud metadata), unique local,
/// multicast, documentation, reserved, and IPv6 that carries such an IPv4 address (IANA's special-purpose registries,
/// RFC 6890). For IPv6 all but 2000::/3 is internal.
bool is_internal(const boost::asio::ip::address& address);

class address_rules {
 public:
  /// Networks that are no networks are left out.
  explicit address_rules(const std::vector<std::string>& allowed_internal);
  bool allows(const boost::asio::ip::address& address) const;

 private:
  std::vector<network> allowed_;
};

} // namespace jobcast::notify
