// Frames as a client would send them, right or wrong.
#pragma once

#include "jobcast/stream/ws_codec.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::testing {

/// A client's frame with every field at will. `length_bytes`: 0 for the shortest form, else 2 or 8.
struct client_frame {
  unsigned opcode = 1;
  std::string payload{};
  bool final = true;
  bool masked = true;
  unsigned reserved = 0;
  unsigned length_bytes = 0;
  std::uint64_t claimed = 0; ///< length to announce, if not the payload's

  std::string bytes() const {
    std::uint64_t const size = claimed ? claimed : payload.size();
    unsigned const more = length_bytes ? length_bytes : size < 126 ? 0 : size <= 0xffff ? 2 : 8;
    std::string out;
    out += static_cast<char>((final ? 0x80 : 0) | reserved << 4 | opcode);
    out += static_cast<char>((masked ? 0x80 : 0) | (more == 0 ? size : more == 2 ? 126 : 127));
    for (unsigned i = more; i-- > 0;)
      out += static_cast<char>(size >> (8 * i));
    constexpr unsigned char mask[] = {0x37, 0xfa, 0x21, 0x3d};
    if (masked)
      out.append(reinterpret_cast<const char*>(mask), 4);
    for (std::size_t i = 0; i < payload.size(); ++i)
      out += static_cast<char>(masked ? payload[i] ^ mask[i & 3] : payload[i]);
    return out;
  }
};

inline std::string text(std::string payload) {
  return client_frame{.payload = std::move(payload)}.bytes();
}
inline std::string ping(std::string payload = "") {
  return client_frame{.opcode = 9, .payload = std::move(payload)}.bytes();
}
inline std::string begin_text(std::string payload) {
  return client_frame{.payload = std::move(payload), .final = false}.bytes();
}
inline std::string more(std::string payload) {
  return client_frame{.opcode = 0, .payload = std::move(payload), .final = false}.bytes();
}
inline std::string last(std::string payload) {
  return client_frame{.opcode = 0, .payload = std::move(payload)}.bytes();
}
inline std::string close_frame(std::string payload) {
  return client_frame{.opcode = 8, .payload = std::move(payload)}.bytes();
}
inline std::string close_frame(unsigned code, std::string_view reason = "") {
  return close_frame(std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)} + std::string(reason));
}

/// One item as a line: "text Hello", "close 1000 bye", "failure 1002".
inline std::string line_of(const stream::ws_item& item) {
  using kind = stream::ws_item::kind;
  std::string const payload(item.payload);
  auto const code = std::to_string(static_cast<unsigned>(item.code));
  switch (item.what) {
  case kind::none:
    return "none";
  case kind::text:
    return "text " + payload;
  case kind::binary:
    return "binary " + payload;
  case kind::ping:
    return "ping " + payload;
  case kind::pong:
    return "pong " + payload;
  case kind::close:
    return item.has_code ? "close " + code + " " + payload : "close";
  case kind::failure:
    return "failure " + code;
  }
  return {};
}

using lines = std::vector<std::string>;

/// Gives `bytes` to the decoder and appends what comes out.
inline void decode_into(lines& out, stream::ws_decoder& decoder, std::string bytes) {
  char* at = bytes.data();
  std::size_t size = bytes.size();
  for (;;) {
    stream::ws_item const item = decoder.next(at, size);
    if (item.what == stream::ws_item::kind::none)
      return;
    out.push_back(line_of(item));
  }
}

inline lines decode(std::string bytes, std::size_t limit = 64 * 1024) {
  stream::ws_decoder decoder(limit);
  lines out;
  decode_into(out, decoder, std::move(bytes));
  return out;
}

} // namespace jobcast::testing
