// The server's side of WebSocket framing (RFC 6455, sections 5 to 8), without I/O.
//
// Why not Beast's: its stream owns socket and buffers, costs 5 KB a connection, and frames each message anew for each
// peer, where jobcast has ten thousand watchers of the same bytes.
#pragma once

#include "jobcast/http/websocket.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace jobcast::stream {

using http::ws_close;
using http::ws_opcode;

/// Checks UTF-8 (RFC 3629) over text that comes in pieces.
class utf8_checker {
 public:
  /// False as soon as no continuation could make it valid.
  bool feed(std::string_view piece);
  /// Whether the text may end here.
  bool complete() const { return awaited_ == 0; }
  void reset() { *this = {}; }

 private:
  std::uint8_t awaited_ = 0;                    ///< continuation bytes to come
  std::uint8_t lowest_ = 0x80, highest_ = 0xbf; ///< of the next one
};

/// What a client sent, whole: a message with its fragments joined, or a control frame.
struct ws_item {
  enum class kind { none, text, binary, ping, pong, close, failure } what = kind::none;
  std::string_view payload;         ///< of `close`, the reason; valid until the next call
  ws_close code = ws_close::normal; ///< of `failure`: to close with; of `close`: what the client said
  bool has_code = false;            ///< of `close`
};

/// Bytes may come split anywhere. After `failure` or `close` the decoder takes nothing more.
class ws_decoder {
 public:
  /// Messages longer than this fail with `too_big`, as soon as a frame's head announces it.
  explicit ws_decoder(std::size_t message_limit)
      : limit_(message_limit) {}

  /// Takes bytes off the front of `input` (unmasking them in place) until an item is complete or all are taken.
  ws_item next(char*& input, std::size_t& size);

  /// Bytes held between calls: of a message not yet complete.
  std::size_t held() const { return held_ ? held_->message.capacity() + held_->control.capacity() : 0; }
  /// A message has begun and is not complete.
  bool in_message() const { return in_message_ || !at_head_ || head_size_ > 0; }

 private:
  ws_item fail(ws_close code);
  bool read_head(char*& input, std::size_t& size, ws_item& failure);
  ws_item check_head();
  ws_item check_length();
  ws_item take_control();
  ws_item take_close();

  // Bytes of what is under way: almost never, so that an idle connection does not pay for it.
  struct buffers {
    std::string message, control;
  };
  std::size_t limit_;
  std::uint64_t left_ = 0; ///< of the frame's payload
  std::unique_ptr<buffers> held_;
  utf8_checker utf8_;
  char mask_[4] = {};
  std::uint8_t head_[14] = {};
  std::uint8_t head_size_ = 0;
  std::uint8_t mask_at_ = 0;
  ws_opcode opcode_ = ws_opcode::text;         ///< of the frame
  ws_opcode message_opcode_ = ws_opcode::text; ///< of the message its fragments belong to
  bool final_ = false;
  bool at_head_ = true;
  bool in_message_ = false;
  bool delivered_ = false; ///< the bytes of what was delivered may go
  bool over_ = false;
};

} // namespace jobcast::stream
