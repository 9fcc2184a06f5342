// How a Redis says that a user lacks a right. Pure.
#pragma once

#include <string_view>

namespace jobcast::redis {

/// Returns true if an error reply says that the ACL of the user does not allow the command, a key or a channel. Inside
/// functions Redis 7.0 does not say NOPERM, and not which command.
inline bool is_denied(std::string_view error) {
  if (error.starts_with("NOPERM"))
    return true;
  return error.starts_with("ERR ") && (error.find("The user executing the script can't ") != std::string_view::npos ||
                                       error.find("ACL failure in script") != std::string_view::npos);
}

/// Goes behind such an error in the log.
inline constexpr std::string_view denied_hint =
    "docs/security.md, \"A Redis user for gateways\", has the rights that a gateway needs";

} // namespace jobcast::redis
