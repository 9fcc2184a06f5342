// A list of addresses and networks, and who of several hops a client is. Pure.
#pragma once

#include "jobcast/base/asio.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <string_view>
#include <vector>

namespace jobcast::net {

class networks {
 public:
  /// "10.1.2.3", "10.0.0.0/8", "::1" or "fd00::/8". False if it is none of these.
  bool add(std::string_view text);
  bool contains(const asio::ip::address& one) const;
  bool empty() const { return v4_.empty() && v6_.empty(); }

 private:
  std::vector<asio::ip::network_v4> v4_;
  std::vector<asio::ip::network_v6> v6_;
};

/// Who asks: the peer, or where that is trusted the last address in X-Forwarded-For that is not. What an untrusted hop
/// wrote there is never believed, and a malformed entry ends the search.
asio::ip::address client_of(const asio::ip::address& peer, std::string_view x_forwarded_for, const networks& trusted);

} // namespace jobcast::net
