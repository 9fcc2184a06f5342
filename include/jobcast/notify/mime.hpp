// An e-mail as bytes for SMTP (RFC 5322, 2045-2047). Pure.
//
// Whatever the texts hold, they stay in their place: header values have no control characters and are encoded where
// they are not plain ASCII, bodies are quoted-printable, and the boundary cannot occur in them.
#pragma once

#include "jobcast/notify/mailbox.hpp"

#include <cstdint>

namespace jobcast::notify {

struct email {
  mailbox from;
  std::string to;         ///< is_address()
  std::string subject;    ///< UTF-8
  std::string text, html; ///< UTF-8
  std::string identity;   ///< letters and digits: the same for the same message, makes the Message-ID
  std::int64_t date = 0;  ///< milliseconds since the epoch
};

/// The whole message, lines ended by CRLF, none longer than 998 bytes; not yet dot-stuffed.
std::string message(const email& e);

/// `=?UTF-8?B?...?=` words of whole characters (RFC 2047), folded, unless it is short plain ASCII. `used` is how much
/// of the first line is taken.
std::string header_text(std::string_view text, std::size_t used);

/// Quoted-printable, lines of up to 76 bytes ended by CRLF.
std::string quoted_printable(std::string_view text);

} // namespace jobcast::notify
