// E-mail addresses as this program takes them: what mail systems agree on, which is less than RFC 5321 allows. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jobcast::notify {

/// `local@domain` in ASCII, up to 254 bytes: a dot-atom of up to 64 bytes, and a host name with a dot in it or
/// `localhost`. No quoted parts, comments or literals, so no byte that could end a command or a header line.
bool is_address(std::string_view text);

struct mailbox {
  std::string name; ///< UTF-8; may be empty
  std::string address;
};

/// `a@example.com` or `Name <a@example.com>`, the name without control characters.
std::optional<mailbox> parse_mailbox(std::string_view text);

} // namespace jobcast::notify
