#include "jobcast/job/json_text.hpp"

namespace jobcast::job {

namespace {

struct piece {
  std::size_t size;
  bool well_formed;
};

/// The character, or maximal ill-formed piece, that `text` (not empty) begins with: Unicode 15, table 3-7.
piece next_piece(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80)
    return {1, true};
  if (lead < 0xC2 || lead > 0xF4)
    return {1, false};
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char low = 0x80, high = 0xBF; // narrower for the second byte: no overlong forms, surrogates, nor past 10FFFF
  if (lead == 0xE0)
    low = 0xA0;
  else if (lead == 0xED)
    high = 0x9F;
  else if (lead == 0xF0)
    low = 0x90;
  else if (lead == 0xF4)
    high = 0x8F;
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size() || byte(i) < low || byte(i) > high)
      return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {size, true};
}

void append_ascii(std::string& out, char c) {
  constexpr char hex[] = "0123456789abcdef";
  switch (c) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  default:
    if (static_cast<unsigned char>(c) < 0x20)
      out.append("\\u00").append(1, hex[c >> 4]).append(1, hex[c & 15]);
    else
      out += c;
  }
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto [size, well_formed] = next_piece(text);
    if (!well_formed)
      out += "\xEF\xBF\xBD";
    else if (size == 1)
      append_ascii(out, text.front());
    else
      out += text.substr(0, size);
    text.remove_prefix(size);
  }
  out += '"';
}

} // namespace jobcast::job
