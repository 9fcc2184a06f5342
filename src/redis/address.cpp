#include "jobcast/redis/address.hpp"

#include <charconv>
#include <optional>
#include <sys/un.h>

// Nothing of the input is ever repeated in an error: a password with an unescaped `/` or `@` would end up in any part.

namespace jobcast::redis {

namespace {

using parsed = boost::system::result<address, std::string>;

template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number value{};
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0)
      return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// Cuts `text` at the first `mark` and gives what follows it, if there is one.
std::optional<std::string_view> cut(std::string_view& text, char mark) {
  auto at = text.find(mark);
  if (at == std::string_view::npos)
    return std::nullopt;
  auto rest = text.substr(at + 1);
  text = text.substr(0, at);
  return rest;
}

/// Takes `user:password@` off the front of `authority`; what is wrong with it, or empty.
std::string read_credentials(std::string_view& authority, address& out) {
  auto at = authority.rfind('@');
  if (at == std::string_view::npos)
    return {};
  std::string_view user = authority.substr(0, at);
  authority.remove_prefix(at + 1);
  auto password = cut(user, ':');
  auto decoded_user = percent_decoded(user);
  auto decoded_password = percent_decoded(password.value_or(""));
  if (!decoded_user || !decoded_password)
    return "the user or password in the Redis URL has a % that no two hex digits follow: write % itself as %25";
  out.user = *decoded_user;
  out.password = *decoded_password;
  return {};
}

std::string read_host_and_port(std::string_view authority, address& out) {
  std::string_view port;
  if (authority.starts_with('[')) {
    auto rest = cut(authority, ']');
    if (!rest || (!rest->empty() && !rest->starts_with(':')))
      return "the IPv6 host in the Redis URL needs the form [::1] or [::1]:6379";
    out.host = authority.substr(1);
    if (!rest->empty())
      port = rest->substr(1);
    if (port.empty() && !rest->empty())
      port = ":";
  } else {
    auto after = cut(authority, ':');
    out.host = authority;
    if (after)
      port = after->empty() ? ":" : *after;
  }
  if (out.host.empty())
    return "the Redis URL names no host: write redis://host or redis://host:port";
  if (port.empty())
    return {};
  auto number = to_number<std::uint16_t>(port);
  if (!number || *number == 0)
    return "the port in the Redis URL must be a number from 1 to 65535; write @, : and / of a password as %40, %3A "
           "and %2F";
  out.port = *number;
  return {};
}

std::string read_database(std::string_view digits, address& out) {
  auto number = to_number<unsigned>(digits);
  if (!number)
    return "the database in the Redis URL must be a number, as in redis://host/2 or unix:///path?db=2";
  out.database = *number;
  return {};
}

parsed read_tcp(std::string_view rest) {
  address out;
  if (rest.find_first_of("?#") != std::string_view::npos)
    return "the Redis URL takes no ? or #: write the database as redis://host/2, and ? and # of a password as %3F "
           "and %23";
  auto database = cut(rest, '/');
  std::string wrong = read_credentials(rest, out);
  if (wrong.empty())
    wrong = read_host_and_port(rest, out);
  if (wrong.empty() && database && !database->empty())
    wrong = read_database(*database, out);
  return wrong.empty() ? parsed(out) : parsed(wrong);
}

parsed read_unix(std::string_view rest) {
  address out;
  out.how = address::kind::unix_socket;
  auto query = cut(rest, '?');
  auto slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  std::string wrong = read_credentials(authority, out);
  if (!wrong.empty())
    return wrong;
  if (!authority.empty() || slash == std::string_view::npos)
    return "the path in the Redis URL must be absolute, with three slashes: unix:///path/to.sock";
  auto path = percent_decoded(rest.substr(slash));
  if (!path || path->find('\0') != std::string::npos)
    return "the path in the Redis URL has a % that no two hex digits (other than 00) follow: write % itself as %25";
  if (path->size() >= sizeof(sockaddr_un::sun_path))
    return "the path in the Redis URL is longer than the 107 bytes a Unix socket may have";
  out.path = *path;
  if (query && !query->empty()) {
    if (!query->starts_with("db="))
      return "the Redis URL of a Unix socket takes only ?db=N after the path";
    wrong = read_database(query->substr(3), out);
  }
  return wrong.empty() ? parsed(out) : parsed(wrong);
}

} // namespace

parsed parse_url(std::string_view url) {
  constexpr std::string_view tcp = "redis://", local = "unix://", tls = "rediss://";
  if (url.starts_with(tcp))
    return read_tcp(url.substr(tcp.size()));
  if (url.starts_with(local))
    return read_unix(url.substr(local.size()));
  if (url.starts_with(tls)) {
    auto out = read_tcp(url.substr(tls.size()));
    if (out)
      out->tls = true;
    return out;
  }
  return "the Redis URL must begin with redis://, rediss:// or unix://";
}

} // namespace jobcast::redis
