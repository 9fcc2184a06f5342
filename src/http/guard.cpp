#include "jobcast/http/guard.hpp"

#include <algorithm>
#include <cctype>

namespace jobcast::http {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t'))
    s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t'))
    s.remove_suffix(1);
  return s;
}

std::string_view next_line(std::string_view& rest) {
  auto const end = rest.find("\r\n");
  std::string_view const line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
  return line;
}

} // namespace

bool is_token(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](unsigned char c) {
    return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

head_end find_head_end(std::string_view bytes, std::size_t from) {
  // Three bytes back: the empty line may have been split.
  for (std::size_t at = from > 3 ? from - 3 : 0; (at = bytes.find('\n', at)) != std::string_view::npos; ++at) {
    if (at == 0 || bytes[at - 1] != '\r')
      return {std::string_view::npos, true};
    if (at >= 3 && bytes[at - 2] == '\n')
      return {at + 1, false};
  }
  return {};
}

std::optional<refusal> check_head(std::string_view head) {
  std::string_view rest = head;
  std::string_view const request_line = next_line(rest);
  if (std::any_of(request_line.begin(), request_line.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }))
    return refusal{400, "The request line must be visible ASCII; percent-encode other characters."};
  bool const http10 = request_line.ends_with(" HTTP/1.0");
  if (!http10 && !request_line.ends_with(" HTTP/1.1"))
    return refusal{505, "Only HTTP/1.1 and HTTP/1.0 are spoken here."};

  unsigned hosts = 0, lengths = 0, codings = 0;
  std::string_view coding;
  for (std::string_view line; !(line = next_line(rest)).empty();) {
    if (line.front() == ' ' || line.front() == '\t')
      return refusal{400, "A header continued on a second line is not accepted."};
    auto const colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return refusal{400, "A header line must be a name, a colon without space before it, and a value."};
    std::string_view const name = line.substr(0, colon);
    std::string_view const value = trimmed(line.substr(colon + 1));
    if (std::any_of(value.begin(), value.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }))
      return refusal{400, "A header value holds a control character."};
    if (same_name(name, "host"))
      ++hosts;
    else if (same_name(name, "content-length")) {
      ++lengths;
      if (value.empty() || value.size() > 18 ||
          !std::all_of(value.begin(), value.end(), [](unsigned char c) { return std::isdigit(c); }))
        return refusal{400, "Content-Length must be one decimal number."};
    } else if (same_name(name, "transfer-encoding")) {
      ++codings;
      coding = value;
    }
  }
  if (hosts > 1 || (hosts == 0 && !http10))
    return refusal{400, "Exactly one Host header is required."};
  if (lengths > 1)
    return refusal{400, "Content-Length may be given once."};
  if (codings == 0)
    return std::nullopt;
  if (http10)
    return refusal{400, "Transfer-Encoding is not part of HTTP/1.0."};
  if (lengths > 0)
    return refusal{400, "Transfer-Encoding and Content-Length may not both be given."};
  if (codings > 1 || !same_name(coding, "chunked"))
    return refusal{501, "The only Transfer-Encoding understood is chunked."};
  return std::nullopt;
}

} // namespace jobcast::http
