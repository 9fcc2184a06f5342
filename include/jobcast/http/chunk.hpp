// The chunked transfer coding (RFC 9112, section 7.1), as far as a server of streams needs it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace jobcast::http {

inline constexpr std::size_t longest_chunk_head = 18; ///< 16 hex digits and CRLF
inline constexpr std::string_view chunk_tail = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// Writes what stands before the data of a chunk of `size` bytes, which is not 0. Returns its length.
std::size_t write_chunk_head(char* out, std::size_t size);
/// Appends `data` as one chunk. Nothing for nothing, since an empty chunk is the last.
void append_chunk(std::string& out, std::string_view data);

} // namespace jobcast::http
