#include "jobcast/stream/ws_codec.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace jobcast::stream {

namespace {

constexpr std::size_t control_limit = 125;

bool is_control(ws_opcode opcode) {
  return (static_cast<std::uint8_t>(opcode) & 8) != 0;
}

bool is_known(ws_opcode opcode) {
  auto const n = static_cast<std::uint8_t>(opcode);
  return n <= 2 || (n >= 8 && n <= 10);
}

// Codes an endpoint may send (section 7.4); 1004 to 1006 and 1015 never stand on the wire.
bool may_be_sent(unsigned code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

constexpr std::size_t mask_length = 4;

std::size_t length_bytes(const std::uint8_t* head) {
  unsigned const length = head[1] & 0x7f;
  return length == 126 ? 2 : length == 127 ? 8 : 0;
}

// Assigning an empty string would keep the capacity.
void release(std::string& s) {
  std::string().swap(s);
}

} // namespace

bool utf8_checker::feed(std::string_view piece) {
  for (unsigned char c : piece) {
    if (awaited_ > 0) {
      if (c < lowest_ || c > highest_)
        return false;
      lowest_ = 0x80;
      highest_ = 0xbf;
      --awaited_;
    } else if (c >= 0x80) {
      if (c < 0xc2 || c > 0xf4)
        return false;
      awaited_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
      // No overlong forms, no surrogates, nothing above U+10FFFF.
      lowest_ = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
      highest_ = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    }
  }
  return true;
}

ws_item ws_decoder::fail(ws_close code) {
  over_ = true;
  held_.reset();
  return {ws_item::kind::failure, {}, code, true};
}

ws_item ws_decoder::next(char*& input, std::size_t& size) {
  // A delivered item's bytes go now: a long message leaves no memory behind on a connection that is idle again. Within
  // a message it was a control frame that was delivered.
  if (std::exchange(delivered_, false)) {
    if (in_message())
      release(held_->control);
    else
      held_.reset();
  }
  while (!over_) {
    if (at_head_) {
      ws_item failure;
      if (!read_head(input, size, failure))
        return failure;
    }
    std::size_t const part = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size));
    for (std::size_t i = 0; i < part; ++i)
      input[i] = static_cast<char>(input[i] ^ mask_[mask_at_++ & 3]);
    std::string_view const bytes(input, part);
    input += part;
    size -= part;
    left_ -= part;
    if (is_control(opcode_)) {
      held_->control += bytes;
    } else {
      if (message_opcode_ == ws_opcode::text && !utf8_.feed(bytes))
        return fail(ws_close::bad_data);
      held_->message += bytes;
    }
    if (left_ > 0)
      return {};
    at_head_ = true;
    head_size_ = 0;
    if (is_control(opcode_))
      return take_control();
    if (!final_)
      continue;
    if (message_opcode_ == ws_opcode::text && !utf8_.complete())
      return fail(ws_close::bad_data);
    in_message_ = false;
    delivered_ = true;
    return {message_opcode_ == ws_opcode::text ? ws_item::kind::text : ws_item::kind::binary, held_->message};
  }
  return {};
}

// Answers false when the head is not complete yet, or wrong. What its first bytes rule out need not wait for the rest.
bool ws_decoder::read_head(char*& input, std::size_t& size, ws_item& failure) {
  while (head_size_ < 2 || head_size_ < 2 + length_bytes(head_) + mask_length) {
    if (size == 0)
      return false;
    head_[head_size_++] = static_cast<std::uint8_t>(*input++);
    --size;
    if (head_size_ == 2 && (failure = check_head()).what == ws_item::kind::failure)
      return false;
    if (head_size_ == 2 + length_bytes(head_) && (failure = check_length()).what == ws_item::kind::failure)
      return false;
  }
  std::memcpy(mask_, head_ + 2 + length_bytes(head_), mask_length);
  mask_at_ = 0;
  at_head_ = false;
  if (!held_)
    held_ = std::make_unique<buffers>();
  return true;
}

ws_item ws_decoder::check_head() {
  final_ = (head_[0] & 0x80) != 0;
  opcode_ = static_cast<ws_opcode>(head_[0] & 0x0f);
  bool const masked = (head_[1] & 0x80) != 0;
  unsigned const length = head_[1] & 0x7f;
  if ((head_[0] & 0x70) != 0 || !is_known(opcode_) || !masked)
    return fail(ws_close::protocol_error);
  if (is_control(opcode_))
    return final_ && length <= control_limit ? ws_item{} : fail(ws_close::protocol_error);
  if ((opcode_ == ws_opcode::continuation) != in_message_)
    return fail(ws_close::protocol_error);
  if (!in_message_) {
    in_message_ = true;
    message_opcode_ = opcode_;
    utf8_.reset();
  }
  return {};
}

ws_item ws_decoder::check_length() {
  std::size_t const bytes = length_bytes(head_);
  left_ = bytes == 0 ? head_[1] & 0x7f : 0;
  for (std::size_t i = 0; i < bytes; ++i)
    left_ = left_ << 8 | head_[2 + i];
  bool const minimal = bytes == 0 || (bytes == 2 ? left_ > 125 : left_ > 0xffff);
  if (!minimal || left_ >> 63 != 0)
    return fail(ws_close::protocol_error);
  if (!is_control(opcode_) && left_ > limit_ - (held_ ? held_->message.size() : 0))
    return fail(ws_close::too_big);
  return {};
}

ws_item ws_decoder::take_control() {
  if (opcode_ == ws_opcode::close)
    return take_close();
  delivered_ = true;
  return {opcode_ == ws_opcode::ping ? ws_item::kind::ping : ws_item::kind::pong, held_->control};
}

ws_item ws_decoder::take_close() {
  over_ = true;
  const std::string& control = held_->control;
  if (control.empty())
    return {ws_item::kind::close, {}, ws_close::normal, false};
  if (control.size() < 2)
    return fail(ws_close::protocol_error);
  unsigned const code =
      static_cast<unsigned>(static_cast<std::uint8_t>(control[0]) << 8 | static_cast<std::uint8_t>(control[1]));
  if (!may_be_sent(code))
    return fail(ws_close::protocol_error);
  utf8_checker reason;
  if (!reason.feed(std::string_view(control).substr(2)) || !reason.complete())
    return fail(ws_close::bad_data);
  return {ws_item::kind::close, std::string_view(control).substr(2), static_cast<ws_close>(code), true};
}

} // namespace jobcast::stream
