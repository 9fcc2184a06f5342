// base64url without padding (RFC 4648, section 5), as JSON Web Tokens and watch links are written. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jobcast::auth {

std::string base64url_encode(std::string_view bytes);

/// Strict: nothing for padding, other characters, an impossible length, or bits set beyond the last byte, so that one
/// sequence of bytes has one spelling.
std::optional<std::string> base64url_decode(std::string_view text);

} // namespace jobcast::auth
