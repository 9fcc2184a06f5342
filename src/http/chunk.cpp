#include "jobcast/http/chunk.hpp"

namespace jobcast::http {

void append_chunk(std::string& out, std::string_view data) {
  if (data.empty())
    return;
  char head[longest_chunk_head];
  out.append(head, write_chunk_head(head, data.size())).append(data).append(chunk_tail);
}

} // namespace jobcast::http
