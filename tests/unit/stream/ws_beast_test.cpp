// Boost.Beast as an independent reading of RFC 6455. Apart from the other tests because it is slow to compile.
#include "ws_frames.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <doctest/doctest.h>
#include <optional>
#include <random>

using namespace jobcast;
using namespace jobcast::testing;
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

// A Beast client, connected by memory to the test, which plays the server with our codec.
struct beast_client {
  asio::io_context loop;
  beast::test::stream server{loop};
  websocket::stream<beast::test::stream> client{loop};

  beast_client() {
    client.next_layer().connect(server);
    std::optional<error_code> done;
    client.async_handshake("localhost", "/", [&](error_code ec) { done = ec; });
    loop.poll();
    std::string const request = sent();
    auto const at = request.find("Sec-WebSocket-Key: ") + 19;
    std::string const key = request.substr(at, request.find('\r', at) - at);
    say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
        http::ws_accept(key) + "\r\n\r\n");
    loop.restart();
    loop.poll();
    REQUIRE(done);
    REQUIRE_FALSE(*done);
  }

  /// What the client put on the wire since the last call.
  std::string sent() {
    std::string const all(server.str());
    server.clear();
    return all;
  }
  void say(std::string_view bytes) { server.write_some(asio::buffer(bytes)); }

  void write(std::string_view payload, bool binary = false) {
    client.binary(binary);
    error_code ec;
    client.write(asio::buffer(payload), ec);
    REQUIRE_FALSE(ec);
  }
  /// Reads one message of ours; its error if there is one.
  std::string read() {
    beast::flat_buffer buffer;
    error_code ec;
    client.read(buffer, ec);
    return ec ? ec.message() : beast::buffers_to_string(buffer.data());
  }
};

std::string frame_of(http::ws_opcode opcode, std::string_view payload) {
  std::string out;
  http::append_ws_frame(out, opcode, payload);
  return out;
}

} // namespace

TEST_CASE("what Beast sends is decoded: each form of length, text and binary") {
  beast_client peer;
  for (std::size_t const size : {0u, 1u, 125u, 126u, 65'535u, 65'536u, 100'000u}) {
    std::string const payload(size, 'x');
    peer.write(payload);
    CHECK(decode(peer.sent(), 100'000) == lines{"text " + payload});
    peer.write(payload, true);
    CHECK(decode(peer.sent(), 100'000) == lines{"binary " + payload});
  }
}

TEST_CASE("a message that Beast sends in fragments is decoded whole, with its pings between") {
  beast_client peer;
  peer.client.text(true);
  peer.client.write_some(false, asio::buffer(std::string_view("Hel")));
  peer.client.ping("now");
  peer.client.write_some(false, asio::buffer(std::string_view("l")));
  peer.client.pong("then");
  peer.client.write_some(true, asio::buffer(std::string_view("o")));
  CHECK(decode(peer.sent()) == lines{"ping now", "pong then", "text Hello"});
}

TEST_CASE("a message that Beast breaks into frames by itself is decoded whole") {
  beast_client peer;
  peer.client.write_buffer_bytes(64);
  peer.client.auto_fragment(true);
  std::string payload;
  for (unsigned n = 0; n < 200; ++n)
    payload += "κόσμε ";
  peer.write(payload);
  std::string const bytes = peer.sent();
  CHECK(bytes.size() > payload.size() + 20 * 6);
  CHECK(decode(bytes) == lines{"text " + payload});
}

TEST_CASE("Beast's close is decoded, and it takes ours as the answer") {
  beast_client peer;
  std::optional<error_code> done;
  peer.client.async_close({websocket::close_code::going_away, "bye"}, [&](error_code ec) { done = ec; });
  peer.loop.restart();
  peer.loop.poll();
  CHECK(decode(peer.sent()) == lines{"close 1001 bye"});
  std::string answer;
  http::append_ws_close(answer, http::ws_close::going_away, "");
  peer.say(answer);
  peer.server.close();
  peer.loop.restart();
  peer.loop.poll();
  REQUIRE(done);
  CHECK_FALSE(*done);
}

TEST_CASE("Beast reads what we frame: each form of length, with pings between, which it answers") {
  beast_client peer;
  for (std::size_t const size : {0u, 1u, 125u, 126u, 65'535u, 65'536u, 100'000u}) {
    std::string const payload(size, 'y');
    peer.say(frame_of(http::ws_opcode::ping, "are you there") + frame_of(http::ws_opcode::text, payload));
    CHECK(peer.read() == payload);
    CHECK(peer.client.got_text());
    CHECK(decode(peer.sent()) == lines{"pong are you there"});
  }
}

TEST_CASE("Beast reads our close with its code and reason") {
  beast_client peer;
  std::string bytes;
  http::append_ws_close(bytes, http::ws_close::restart, "draining");
  peer.say(bytes);
  peer.server.close();
  CHECK(peer.read() == error_code(websocket::error::closed).message());
  CHECK(peer.client.reason().code == websocket::close_code::service_restart);
  CHECK(peer.client.reason().reason == "draining");
}

TEST_CASE("random messages of Beast survive the way there and back") {
  beast_client peer;
  std::minstd_rand random(7);
  for (unsigned n = 0; n < 200; ++n) {
    std::string payload(random() % 3'000, '\0');
    for (char& c : payload)
      c = static_cast<char>(random() % 128);
    peer.write(payload);
    std::string const bytes = peer.sent();
    stream::ws_decoder decoder(4'000);
    lines got;
    for (std::size_t at = 0, part = 0; at < bytes.size(); at += part)
      decode_into(got, decoder, bytes.substr(at, part = 1 + random() % 500));
    REQUIRE(got == lines{"text " + payload});
    peer.say(frame_of(http::ws_opcode::text, payload));
    REQUIRE(peer.read() == payload);
  }
}
