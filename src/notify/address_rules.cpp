#include "jobcast/notify/address_rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace jobcast::notify {

namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;
using ipv6_bytes = address_v6::bytes_type;

address_v6 as_v6(const address& a) {
  return a.is_v4() ? boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, a.to_v4()) : a.to_v6();
}

bool same_prefix(const ipv6_bytes& a, const ipv6_bytes& b, unsigned bits) {
  std::size_t const whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin()))
    return false;
  unsigned const rest = bits % 8;
  return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool in_any(const address& a, const auto& networks) {
  return std::any_of(networks.begin(), networks.end(),
                     [&](std::string_view text) { return network::parse(text)->holds(a); });
}

constexpr std::array<std::string_view, 15> internal_v4{
    "0.0.0.0/8",      "10.0.0.0/8",    "100.64.0.0/10",   "127.0.0.0/8",     "169.254.0.0/16",
    "172.16.0.0/12",  "192.0.0.0/24",  "192.0.2.0/24",    "192.31.196.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",  "224.0.0.0/3"};
// Within 2000::/3: protocol assignments and Teredo, documentation, 6to4.
constexpr std::array<std::string_view, 4> internal_v6{"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"};
// NAT64 (RFC 6052): what a network without IPv4 reaches the public one by.
constexpr std::string_view nat64 = "64:ff9b::/96";

address_v4 last_four(const ipv6_bytes& b) {
  return address_v4(address_v4::bytes_type{b[12], b[13], b[14], b[15]});
}

} // namespace

std::optional<network> network::parse(std::string_view text) {
  auto const slash = text.find('/');
  boost::system::error_code ec;
  auto const given = boost::asio::ip::make_address(std::string(text.substr(0, slash)), ec);
  if (ec || (given.is_v6() && given.to_v6().scope_id() != 0))
    return std::nullopt;
  unsigned const width = given.is_v4() ? 32 : 128;
  unsigned prefix = width;
  if (slash != std::string_view::npos) {
    auto const digits = text.substr(slash + 1);
    auto const [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (problem != std::errc{} || end != digits.data() + digits.size() || prefix > width)
      return std::nullopt;
  }
  network out;
  out.bytes_ = as_v6(given).to_bytes();
  out.prefix_ = prefix + 128 - width;
  // 10.1.2.3/8 might mean 10.0.0.0/8 or 10.1.2.3: better asked than guessed.
  for (unsigned bit = out.prefix_; bit < 128; ++bit)
    if (out.bytes_[bit / 8] >> (7 - bit % 8) & 1)
      return std::nullopt;
  return out;
}

bool network::holds(const address& a) const {
  return same_prefix(as_v6(a).to_bytes(), bytes_, prefix_);
}

bool is_internal(const address& a) {
  if (a.is_v4())
    return in_any(a, internal_v4);
  address_v6 const six = a.to_v6();
  if (six.is_v4_mapped() || network::parse(nat64)->holds(a))
    return is_internal(last_four(six.to_bytes()));
  bool const global = (six.to_bytes()[0] & 0xe0) == 0x20;
  return !global || in_any(a, internal_v6);
}

address_rules::address_rules(const std::vector<std::string>& allowed_internal) {
  for (auto const& text : allowed_internal)
    if (auto const parsed = network::parse(text))
      allowed_.push_back(*parsed);
}

bool address_rules::allows(const address& a) const {
  return !is_internal(a) || std::any_of(allowed_.begin(), allowed_.end(), [&](const network& n) { return n.holds(a); });
}

} // namespace jobcast::notify
