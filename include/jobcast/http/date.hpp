// The Date field (RFC 9110, section 6.6.1).
#pragma once

#include <cstdint>
#include <string>

namespace jobcast::http {

/// The whole line, put together once a second. Not thread-safe: one per reactor.
class date_line {
 public:
  /// "Date: Sun, 06 Nov 1994 08:49:37 GMT" and CRLF. `now_ms`: since the epoch.
  const std::string& at(std::int64_t now_ms);

 private:
  std::int64_t second_ = -1;
  std::string line_;
};

} // namespace jobcast::http
