// Refuses, on the raw bytes, request heads that Beast 1.81 would read in another way than the proxy in front of us
// (request smuggling), and heads that no honest client sends. RFC 9112, sections 2.2, 3.2, 5.1, 6.1 and 6.3. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace jobcast::http {

struct refusal {
  unsigned status; ///< 400, 501 or 505; the connection is to be closed after the answer
  std::string_view detail;
};

/// `head` is everything up to and including the empty line.
std::optional<refusal> check_head(std::string_view head);

/// A token (RFC 9110, section 5.6.2), such as the name of a field.
bool is_token(std::string_view s);

/// Where the head ends (one past the empty line); npos while it is incomplete. A bare LF ends the search: `bare_lf`.
struct head_end {
  std::size_t at = std::string_view::npos;
  bool bare_lf = false;
};
/// `from`: bytes before it were searched by an earlier call.
head_end find_head_end(std::string_view bytes, std::size_t from = 0);

} // namespace jobcast::http
