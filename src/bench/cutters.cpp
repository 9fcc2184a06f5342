#include "cutters.hpp"

#include <cctype>
#include <charconv>

namespace jobcast::bench {

namespace {

constexpr std::string_view version_word = "HTTP/1.1 ";

bool same(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == y; });
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && s.front() == ' ')
    s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\r'))
    s.remove_suffix(1);
  return s;
}

template <class Integer>
std::optional<Integer> number(std::string_view text, int base = 10) {
  Integer value = 0;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (ec != std::errc{} || end == text.data())
    return std::nullopt;
  return value;
}

} // namespace

bool is_response(std::string_view bytes) {
  auto const common = std::min(bytes.size(), version_word.size());
  return bytes.substr(0, common) == version_word.substr(0, common);
}

std::optional<response_head> read_response_head(std::string_view bytes) {
  auto const end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos || !is_response(bytes))
    return std::nullopt;
  response_head head;
  head.size = end + 4;
  head.status = number<unsigned>(bytes.substr(version_word.size(), 3)).value_or(0);
  std::string_view lines = bytes.substr(0, end);
  while (!lines.empty()) {
    auto const line_end = lines.find('\n');
    auto const line = lines.substr(0, line_end);
    lines.remove_prefix(line_end == std::string_view::npos ? lines.size() : line_end + 1);
    auto const colon = line.find(':');
    if (colon == std::string_view::npos)
      continue;
    auto const name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    if (same(name, "content-length"))
      head.content_length = number<std::size_t>(value);
    else if (same(name, "transfer-encoding"))
      head.chunked = same(value, "chunked");
    else if (same(name, "etag"))
      head.etag = value;
  }
  return head;
}

// Either the empty line that ends a chunk's data, or the size of the next chunk.
bool dechunker::end_size_line() {
  auto const line = trimmed(line_);
  bool const empty = line.empty();
  // Extensions of a chunk's head mean nothing here.
  auto const digits = line.substr(0, line.find(';'));
  bool const hex = digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  auto const size = hex ? number<std::size_t>(digits, 16) : std::nullopt;
  line_.clear();
  if (after_data_) {
    after_data_ = false;
    return empty;
  }
  if (!size)
    return false;
  left_ = *size;
  over_ = left_ == 0;
  return true;
}

frame_cutter::frame frame_cutter::first(std::string_view bytes) {
  frame f;
  if (bytes.size() < 2)
    return f;
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  f.opcode = byte(0) & 0x0f;
  f.bad = (byte(1) & 0x80) != 0 || (byte(0) & 0x70) != 0;
  std::size_t const length_bytes = byte(1) < 126 ? 0 : byte(1) == 126 ? 2 : 8;
  f.head = 2 + length_bytes;
  if (f.bad || bytes.size() < f.head)
    return f;
  std::uint64_t length = length_bytes == 0 ? byte(1) : 0;
  for (std::size_t i = 0; i < length_bytes; ++i)
    length = length << 8 | byte(2 + i);
  f.bad = length > 64 * 1024 * 1024;
  if (!f.bad && bytes.size() - f.head >= length)
    f.size = f.head + static_cast<std::size_t>(length);
  return f;
}

std::string client_frame(std::uint8_t opcode, std::string_view payload) {
  std::string out{static_cast<char>(0x80 | opcode)};
  if (payload.size() < 126) {
    out += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() <= 0xffff) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xff);
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>(payload.size() >> shift & 0xff);
  }
  return out.append(4, '\0').append(payload);
}

} // namespace jobcast::bench
