// Cross-origin rules (Fetch standard, section 3.2) with an exact allow-list. Pure.
#pragma once

#include "jobcast/base/settings.hpp"

#include <string>
#include <string_view>

namespace jobcast::api {

/// True if `origin` is listed.
bool origin_allowed(const cors_settings& cors, std::string_view origin);

/// True if a browser page of `origin` may send commands: listed, or the gateway's own (`host` is the Host field). A
/// request without an Origin does not come from a page of another site; `by_cookie`, which a browser adds by itself,
/// one is required all the same.
bool may_command(const cors_settings& cors, std::string_view origin, std::string_view host, bool by_cookie = false);

/// Whether `host`, a Host field, may name a gateway that lets everyone in. A page of any site can have its own name
/// resolve to 127.0.0.1 (DNS rebinding) and is then of the same origin as we; only the name tells. Addresses, names
/// without a dot and under .localhost are no site's; others must be those of a listed origin.
bool names_this_machine(const cors_settings& cors, std::string_view host);

inline constexpr std::string_view by_cookie_needs_origin =
    "With a cookie, commands and WebSockets need an Origin that is listed in cors.origins, or the gateway's own.";

/// The header lines for a response to `origin`; empty if it is not listed.
std::string cors_headers(const cors_settings& cors, std::string_view origin);
/// The further lines that answer a preflight whose Access-Control-Request-Headers are `requested`: all of them are
/// allowed beside those of the API, since tools for tracing add their own, unless one is no name or they take over
/// 4 KiB.
std::string preflight_headers(std::string_view requested);

} // namespace jobcast::api
