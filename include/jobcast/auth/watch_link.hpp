// Watch links: what a guest without a login gets to follow some jobs, or all of an owner, for a while. Pure.
//
// A link stands in a URL, which ends up in histories and logs. So it is the gateway's own signature over what may be
// read and until when, and no token: it cannot command, and cannot be exchanged for more.
#pragma once

#include "jobcast/auth/identity.hpp"

#include <boost/system/result.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace jobcast::auth {

/// What a link says. The identity it stands for has these as `jobs`, or `sub`, and `tenant`.
struct watch_link {
  std::vector<std::string> jobs;
  std::string owner; ///< instead of jobs
  std::string tenant;
  std::int64_t expires_at = 0; ///< milliseconds since the epoch
};

/// Longer links do not fit in the head of a request beside what browsers send.
inline constexpr std::size_t longest_link = 6 * 1024;

/// URL-safe text. Any gateway with the same secret takes it.
std::string sign_link(const watch_link& link, std::string_view secret);

enum class link_error : std::uint8_t { malformed, bad_signature, expired };
std::string_view describe(link_error e);

/// Any of the secrets may have signed it, so that they can be changed one after the other.
boost::system::result<identity_ptr, link_error> verify_link(std::string_view text, std::span<const std::string> secrets,
                                                            std::int64_t now_ms);

} // namespace jobcast::auth
