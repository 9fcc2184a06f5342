#include "jobcast/api/cors.hpp"

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
         "\r\nAccess-Control-Expose-Headers: ETag, Retry-After, Location\r\n";
}

std::string preflight_headers() {
  return "Access-Control-Allow-Methods: GET, HEAD, POST, DELETE"
         "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type, If-None-Match, Prefer, Idempotency-Key, "
         "Last-Event-ID"
         "\r\nAccess-Control-Max-Age: 600\r\n";
}

} // namespace jobcast::api
