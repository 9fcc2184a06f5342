#include "jobcast/http/chunk.hpp"

#include <doctest/doctest.h>

using namespace jobcast::http;

TEST_CASE("a chunk is its length in hex digits, and its data") {
  std::string out;
  append_chunk(out, "Hello");
  append_chunk(out, std::string(300, 'x'));
  CHECK(out == "5\r\nHello\r\n12c\r\n" + std::string(300, 'x') + "\r\n");
}

TEST_CASE("nothing is no chunk, since an empty one ends the body") {
  std::string out;
  append_chunk(out, "");
  CHECK(out.empty());
}

TEST_CASE("the head of the largest chunk fits") {
  char head[longest_chunk_head];
  CHECK(write_chunk_head(head, static_cast<std::size_t>(-1)) == longest_chunk_head);
}
