#include "jobcast/http/guard.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace jobcast::http;

namespace {

unsigned status_of(const std::string& lines) {
  auto const refused = check_head("POST /api/jobs HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n");
  return refused ? refused->status : 200;
}

} // namespace

TEST_CASE("an ordinary request passes") {
  CHECK(status_of("Content-Length: 12\r\nContent-Type: application/json\r\n") == 200);
  CHECK(status_of("Transfer-Encoding: chunked\r\n") == 200);
  CHECK(status_of("transfer-encoding: Chunked \r\n") == 200);
}

TEST_CASE("a length and a transfer coding together are refused, in either order") {
  CHECK(status_of("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(status_of("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == 400);
  CHECK(status_of("Transfer-Encoding: chunked, gzip\r\nContent-Length: 5\r\n") == 400);
}

TEST_CASE("any transfer coding but exactly chunked is refused") {
  CHECK(status_of("Transfer-Encoding: gzip\r\n") == 501);
  CHECK(status_of("Transfer-Encoding: chunked, gzip\r\n") == 501);
  CHECK(status_of("Transfer-Encoding: gzip, chunked\r\n") == 501);
  CHECK(status_of("Transfer-Encoding: xchunked\r\n") == 501);
  CHECK(status_of("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 501);
  CHECK(status_of("Transfer-Encoding:\r\n") == 501);
}

TEST_CASE("chunked is refused on HTTP/1.0") {
  auto const refused = check_head("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
  REQUIRE(refused);
  CHECK(refused->status == 400);
}

TEST_CASE("exactly one Host is required, but not by HTTP/1.0") {
  CHECK(check_head("GET / HTTP/1.1\r\n\r\n")->status == 400);
  CHECK(check_head("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n")->status == 400);
  CHECK_FALSE(check_head("GET / HTTP/1.0\r\n\r\n"));
}

TEST_CASE("a length must be one decimal number") {
  CHECK(status_of("Content-Length: 5\r\nContent-Length: 5\r\n") == 400);
  CHECK(status_of("Content-Length: 5, 5\r\n") == 400);
  CHECK(status_of("Content-Length: +5\r\n") == 400);
  CHECK(status_of("Content-Length: -1\r\n") == 400);
  CHECK(status_of("Content-Length: 0x5\r\n") == 400);
  CHECK(status_of("Content-Length:\r\n") == 400);
  CHECK(status_of("Content-Length: 99999999999999999999\r\n") == 400);
}

TEST_CASE("header lines that parsers read differently are refused") {
  CHECK(status_of("Content-Length : 5\r\n") == 400);
  CHECK(status_of(" Content-Length: 5\r\n") == 400);
  CHECK(status_of("X: a\r\n folded\r\n") == 400);
  CHECK(status_of("no colon\r\n") == 400);
  CHECK(status_of(": empty\r\n") == 400);
  CHECK(status_of("X: a\rTransfer-Encoding: chunked\r\n") == 400);
  CHECK(status_of(std::string("X: a\0b\r\n", 8)) == 400);
}

TEST_CASE("other versions and raw bytes in the request line are refused") {
  CHECK(check_head("GET / HTTP/2.0\r\nHost: a\r\n\r\n")->status == 505);
  CHECK(check_head("GET /\r\nHost: a\r\n\r\n")->status == 505);
  CHECK(check_head("GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n")->status == 400);
}

TEST_CASE("the end of the head is found however the bytes are split") {
  std::string const bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
  std::size_t const expected = bytes.size() - 4;
  for (std::size_t split = 0; split <= bytes.size(); ++split) {
    auto const first = find_head_end(std::string_view(bytes).substr(0, split));
    if (split < expected)
      CHECK(first.at == std::string_view::npos);
    CHECK(find_head_end(bytes, split < expected ? split : 0).at == expected);
  }
}

TEST_CASE("a line that ends in a bare LF is noticed") {
  CHECK(find_head_end("GET / HTTP/1.1\nHost: a\r\n\r\n").bare_lf);
  CHECK(find_head_end("GET / HTTP/1.1\r\nHost: a\n\n").bare_lf);
}
