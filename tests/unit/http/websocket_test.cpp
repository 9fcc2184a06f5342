#include "jobcast/http/websocket.hpp"

#include <doctest/doctest.h>

using namespace jobcast::http;

TEST_CASE("the key of RFC 6455, section 1.3, is accepted with that section's answer") {
  CHECK(ws_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a server's frames are those of RFC 6455, section 5.7") {
  std::string out;
  append_ws_frame(out, ws_opcode::text, "Hello");
  append_ws_frame(out, ws_opcode::ping, "Hello");
  CHECK(out == "\x81\x05Hello\x89\x05Hello");

  out.clear();
  append_ws_frame(out, ws_opcode::binary, std::string(256, 'x'));
  CHECK(out == std::string("\x82\x7e\x01\x00", 4) + std::string(256, 'x'));

  out.clear();
  append_ws_frame(out, ws_opcode::binary, std::string(65'536, 'x'));
  CHECK(out == std::string("\x82\x7f\0\0\0\0\0\1\0\0", 10) + std::string(65'536, 'x'));
}

TEST_CASE("a length takes the shortest form there is") {
  char head[10];
  CHECK(write_ws_head(head, ws_opcode::text, 125) == 2);
  CHECK(write_ws_head(head, ws_opcode::text, 126) == 4);
  CHECK(write_ws_head(head, ws_opcode::text, 65'535) == 4);
  CHECK(write_ws_head(head, ws_opcode::text, 65'536) == 10);
}

TEST_CASE("a close frame carries its code and a reason that fits") {
  std::string out;
  append_ws_close(out, ws_close::restart, "draining");
  CHECK(out == "\x88\x0a\x03\xf4"
               "draining");

  out.clear();
  append_ws_close(out, ws_close::policy, std::string(200, 'x'));
  CHECK(out.size() == 2 + 125);
  CHECK(out[1] == 125);
}
