#include "jobcast/api/cors.hpp"

#include "jobcast/http/guard.hpp"

#include <algorithm>

namespace jobcast::api {

bool origin_allowed(const cors_settings& cors, std::string_view origin) {
  return !origin.empty() && std::find(cors.origins.begin(), cors.origins.end(), origin) != cors.origins.end();
}

bool may_command(const cors_settings& cors, std::string_view origin, std::string_view host, bool by_cookie) {
  if (origin.empty())
    return !by_cookie;
  if (origin_allowed(cors, origin))
    return true;
  auto const scheme = origin.find("://");
  return scheme != std::string_view::npos && origin.substr(scheme + 3) == host;
}

bool names_this_machine(const cors_settings& cors, std::string_view host) {
  std::string_view name = host;
  if (auto const colon = name.rfind(':'); colon != name.npos && name.find(']', colon) == name.npos)
    name = name.substr(0, colon);
  if (name.find('.') == name.npos || name.ends_with(".localhost") || name.starts_with('['))
    return true;
  if (name.find_first_not_of("0123456789.") == name.npos)
    return true;
  return std::any_of(cors.origins.begin(), cors.origins.end(),
                     [&](std::string_view origin) { return origin.substr(origin.find("://") + 3) == host; });
}

std::string cors_headers(const cors_settings& cors, std::string_view origin) {
  if (!origin_allowed(cors, origin))
    return {};
  return "Access-Control-Allow-Origin: " + std::string(origin) +
         "\r\nAccess-Control-Allow-Credentials: true"
         "\r\nAccess-Control-Expose-Headers: Date, ETag, Retry-After, Location\r\n";
}

namespace {

constexpr std::size_t longest_requested = 4096;
constexpr std::string_view own_headers =
    "Authorization, Content-Type, If-None-Match, Prefer, Idempotency-Key, Last-Event-ID";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// The requested names, each behind a comma; empty unless all are names: what goes back to the browser must not be able
// to say anything else.
std::string further_headers(std::string_view requested) {
  std::string out;
  for (bool last = requested.empty() || requested.size() > longest_requested; !last;) {
    auto const comma = requested.find(',');
    last = comma == std::string_view::npos;
    std::string_view const name = trimmed(requested.substr(0, comma));
    if (!http::is_token(name))
      return {};
    out.append(", ").append(name);
    requested.remove_prefix(last ? requested.size() : comma + 1);
  }
  return out;
}

} // namespace

std::string preflight_headers(std::string_view requested) {
  std::string out = "Access-Control-Allow-Methods: GET, HEAD, POST, DELETE\r\nAccess-Control-Allow-Headers: ";
  out.append(own_headers).append(further_headers(requested));
  out += "\r\nAccess-Control-Max-Age: 600\r\nVary: Origin, Access-Control-Request-Headers\r\n";
  return out;
}

} // namespace jobcast::api
