// WebSocket as a format (RFC 6455): the handshake's answer and the frames a server sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jobcast::http {

enum class ws_opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// RFC 6455, section 7.4.1.
enum class ws_close : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported = 1003,
  bad_data = 1007,
  policy = 1008,
  too_big = 1009,
  restart = 1012, ///< of IANA's registry, as the next
  try_again_later = 1013,
};

/// Appends a server's frame: unmasked, whole.
void append_ws_frame(std::string& out, ws_opcode opcode, std::string_view payload);
void append_ws_close(std::string& out, ws_close code, std::string_view reason);
/// Bytes of the head of a whole frame of `size` bytes.
constexpr std::size_t ws_head_size(std::uint64_t size) {
  return size < 126 ? 2 : size <= 0xffff ? 4 : 10;
}
/// That head, at most 10 bytes. Answers how many.
std::size_t write_ws_head(char* out, ws_opcode opcode, std::uint64_t size);

/// Sec-WebSocket-Accept for a client's key (section 4.2.2).
std::string ws_accept(std::string_view key);

} // namespace jobcast::http
