// The chunked transfer coding (RFC 9112, section 7.1), as far as a server of streams needs it.
#pragma once

#include <bit>
#include <cstddef>
#include <string>
#include <string_view>

namespace jobcast::http {

inline constexpr std::size_t longest_chunk_head = 18; ///< 16 hex digits and CRLF
inline constexpr std::string_view chunk_tail = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// Bytes before the data of a chunk of `size` bytes, which is not 0.
constexpr std::size_t chunk_head_size(std::size_t size) {
  return (static_cast<std::size_t>(std::bit_width(size)) + 3) / 4 + 2;
}
/// Writes them. Returns how many.
inline std::size_t write_chunk_head(char* out, std::size_t size) {
  std::size_t const length = chunk_head_size(size);
  out[length - 1] = '\n';
  out[length - 2] = '\r';
  for (std::size_t at = length - 2; at > 0; size >>= 4)
    out[--at] = "0123456789abcdef"[size & 15];
  return length;
}
/// Appends `data` as one chunk. Nothing for nothing, since an empty chunk is the last.
void append_chunk(std::string& out, std::string_view data);

} // namespace jobcast::http
