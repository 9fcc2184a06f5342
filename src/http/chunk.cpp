#include "jobcast/http/chunk.hpp"

#include <charconv>

namespace jobcast::http {

std::size_t write_chunk_head(char* out, std::size_t size) {
  char* end = std::to_chars(out, out + longest_chunk_head - 2, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<std::size_t>(end - out);
}

void append_chunk(std::string& out, std::string_view data) {
  if (data.empty())
    return;
  char head[longest_chunk_head];
  out.append(head, write_chunk_head(head, data.size())).append(data).append(chunk_tail);
}

} // namespace jobcast::http
