// A response, and problem documents (RFC 9457) as the one form of every error.
#pragma once

#include "jobcast/http/open_file.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jobcast::http {

/// Of an event stream. It is UTF-8 by the HTML standard, but a client that goes by the type takes it for Latin-1 unless
/// it is told.
inline constexpr std::string_view event_stream_type = "text/event-stream; charset=utf-8";

struct response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string headers; ///< further lines, each ending in CRLF
  std::string body;
  std::shared_ptr<const open_file> file{}; ///< is the body, instead of `body`
  bool close = false;
  bool for_everyone = false; ///< pages of any origin may read it

  response& add(std::string_view name, std::string_view value) {
    headers.append(name).append(": ").append(value).append("\r\n");
    return *this;
  }
  std::uint64_t body_size() const { return file ? file->size() : body.size(); }
};

/// "Not Found" for 404 and so on; for the status codes the gateway uses.
std::string_view reason(unsigned status);

/// What goes before the body: status line and header fields. `keep_alive` false announces the close.
std::string serialize_head(const response& r, bool keep_alive);
/// Whether the body is sent: not in answer to HEAD, nor with 204 and 304 (RFC 9110, section 8.6).
bool sends_body(const response& r, bool head);

/// `detail` says what to change; `field` names what is wrong, if one thing is.
response problem(unsigned status, std::string_view detail, std::string_view field = {});
/// Just the document's JSON, as it also stands in NDJSON answers and WebSocket errors.
std::string problem_json(unsigned status, std::string_view detail, std::string_view field = {});

} // namespace jobcast::http
