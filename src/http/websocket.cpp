#include "jobcast/http/websocket.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

namespace jobcast::http {

namespace {
constexpr std::size_t control_limit = 125;
}

std::size_t write_ws_head(char* out, ws_opcode opcode, std::uint64_t size) {
  out[0] = static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
  std::size_t const length_bytes = ws_head_size(size) - 2;
  out[1] = static_cast<char>(length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127);
  for (std::size_t i = 0; i < length_bytes; ++i)
    out[2 + i] = static_cast<char>(size >> (8 * (length_bytes - 1 - i)));
  return 2 + length_bytes;
}

void append_ws_frame(std::string& out, ws_opcode opcode, std::string_view payload) {
  char head[10];
  out.append(head, write_ws_head(head, opcode, payload.size())).append(payload);
}

void append_ws_close(std::string& out, ws_close code, std::string_view reason) {
  auto const number = static_cast<std::uint16_t>(code);
  std::string payload{static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
  payload += reason.substr(0, control_limit - 2);
  append_ws_frame(out, ws_opcode::close, payload);
}

std::string ws_accept(std::string_view key) {
  std::string const text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[SHA_DIGEST_LENGTH];
  EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
  std::string out(4 * ((sizeof digest + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), digest, sizeof digest);
  return out;
}

} // namespace jobcast::http
