#include "bench/cutters.hpp"

#include <doctest/doctest.h>
#include <vector>

using namespace jobcast::bench;

namespace {

using texts = std::vector<std::string>;

/// What `feed` hands out when the bytes come in two pieces split at `at`.
template <class Feed>
texts in_two_pieces(std::string_view bytes, std::size_t at, Feed feed) {
  texts out;
  feed(bytes.substr(0, at), out);
  feed(bytes.substr(at), out);
  return out;
}

} // namespace

TEST_CASE("an event stream is cut at its blank lines, wherever its bytes are split") {
  std::string_view const stream = "retry: 5\n\nid: 1\ndata: a\n\n:\n\n";
  for (std::size_t at = 0; at <= stream.size(); ++at) {
    event_cutter cutter;
    CHECK(in_two_pieces(stream, at, [&](std::string_view piece, texts& out) {
            cutter.feed(piece, [&](std::string_view event) { out.emplace_back(event); });
          }) == texts{"retry: 5", "id: 1\ndata: a", ":"});
  }
}

TEST_CASE("frames of each length are cut, wherever their bytes are split") {
  std::string const middle(300, 'm'), large(70'000, 'l');
  std::string bytes{'\x81', '\x02', 'h', 'i'};
  bytes += std::string{'\x81', '\x7e', '\x01', '\x2c'} + middle;
  bytes += std::string{'\x81', '\x7f', 0, 0, 0, 0, 0, 1, 0x11, 0x70} + large;
  bytes += std::string{'\x89', '\x00'};
  for (std::size_t at : {0u, 1u, 2u, 3u, 4u, 5u, 7u, 8u, 200u, 308u, 309u, 317u, 318u, 70'000u}) {
    frame_cutter cutter;
    CHECK(in_two_pieces(bytes, at, [&](std::string_view piece, texts& out) {
            CHECK(cutter.feed(piece, [&](std::uint8_t, std::string_view payload) { out.emplace_back(payload); }));
          }) == texts{"hi", middle, large, ""});
  }
}

TEST_CASE("a frame that is masked, as no server's is, is refused") {
  frame_cutter cutter;
  CHECK_FALSE(cutter.feed(client_frame(1, "hi"), [](std::uint8_t, std::string_view) {}));
}

TEST_CASE("a client's frame is final, masked with the key 0, and as long as it says") {
  CHECK(client_frame(1, "hi") == std::string{'\x81', '\x82', 0, 0, 0, 0, 'h', 'i'});
  CHECK(client_frame(1, std::string(300, 'x')).substr(0, 4) == std::string{'\x81', '\xfe', '\x01', '\x2c'});
  CHECK(client_frame(1, std::string(70'000, 'x')).size() == 70'014);
}

TEST_CASE("the head of a response is read for its status, length, coding and tag") {
  auto const head = read_response_head("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nETag: \"5-1\"\r\n\r\n{");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->content_length == 12);
  CHECK(head->etag == "\"5-1\"");
  CHECK_FALSE(head->chunked);
  CHECK(head->size == 52);
  CHECK(read_response_head("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n")->chunked);
  CHECK_FALSE(read_response_head("HTTP/1.1 200 OK\r\n"));
  CHECK(is_response("HTT"));
  CHECK_FALSE(is_response("-ERR"));
}

TEST_CASE("chunk heads are taken out of a body, wherever its bytes are split") {
  std::string_view const body = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n";
  for (std::size_t at = 0; at <= body.size(); ++at) {
    dechunker chunks;
    std::string data;
    for (std::string_view piece : {body.substr(0, at), body.substr(at)})
      CHECK(chunks.feed(piece, [&](std::string_view part) { data += part; }));
    CHECK(data == "hello world");
    CHECK(chunks.over());
  }
}

TEST_CASE("what is not chunked is refused") {
  dechunker chunks;
  CHECK_FALSE(chunks.feed("data: x\n", [](std::string_view) {}));
}
