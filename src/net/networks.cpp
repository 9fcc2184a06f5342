#include "jobcast/net/networks.hpp"

#include <algorithm>
#include <string>

namespace jobcast::net {

namespace {

// ::ffff:10.1.2.3 is 10.1.2.3.
asio::ip::address plain(const asio::ip::address& one) {
  return one.is_v6() && one.to_v6().is_v4_mapped()
             ? asio::ip::address(asio::ip::make_address_v4(asio::ip::v4_mapped, one.to_v6()))
             : one;
}

std::string_view trimmed(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

} // namespace

bool networks::add(std::string_view text) {
  std::string const whole(text);
  bool const single = text.find('/') == text.npos;
  error_code ec;
  auto const four = asio::ip::make_network_v4(single ? whole + "/32" : whole, ec);
  if (!ec) {
    v4_.push_back(four.canonical());
    return true;
  }
  auto const six = asio::ip::make_network_v6(single ? whole + "/128" : whole, ec);
  if (ec)
    return false;
  v6_.push_back(six.canonical());
  return true;
}

bool networks::contains(const asio::ip::address& one) const {
  auto const address = plain(one);
  if (address.is_v4())
    return std::any_of(v4_.begin(), v4_.end(), [&](const asio::ip::network_v4& n) {
      return asio::ip::network_v4(address.to_v4(), n.prefix_length()).canonical() == n;
    });
  return std::any_of(v6_.begin(), v6_.end(), [&](const asio::ip::network_v6& n) {
    return asio::ip::network_v6(address.to_v6(), n.prefix_length()).canonical() == n;
  });
}

asio::ip::address client_of(const asio::ip::address& peer, std::string_view x_forwarded_for, const networks& trusted) {
  asio::ip::address client = plain(peer);
  while (!x_forwarded_for.empty() && trusted.contains(client)) {
    auto const comma = x_forwarded_for.rfind(',');
    auto const hop = trimmed(comma == x_forwarded_for.npos ? x_forwarded_for : x_forwarded_for.substr(comma + 1));
    x_forwarded_for = comma == x_forwarded_for.npos ? std::string_view() : x_forwarded_for.substr(0, comma);
    error_code ec;
    auto const before = asio::ip::make_address(std::string(hop), ec);
    if (ec)
      break;
    client = plain(before);
  }
  return client;
}

} // namespace jobcast::net
