// RESP2 (https://redis.io/docs/latest/develop/reference/protocol-spec/) to and from bytes, both by hiredis.
#pragma once

#include "jobcast/redis/reply.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace jobcast::redis {

/// Appends one command to `out`, as an array of bulk strings (the Redis serialization protocol). Arguments may hold any
/// bytes; at least one is needed.
void append_command(std::string& out, std::span<const std::string_view> arguments);

/// Cuts a byte stream, split anywhere, into replies.
class decoder {
 public:
  decoder();

  /// Hands every reply that `bytes` completes to `on_reply(reply_ptr)`, which returns whether to go on; once it has
  /// said no, the rest is dropped and the decoder is of no further use. False: this is not RESP, see failure().
  template <class OnReply>
  bool decode(std::string_view bytes, OnReply&& on_reply);

  /// What was wrong with the bytes, after decode() returned false.
  const char* failure() const { return reader_->errstr; }

 private:
  // hiredis moves the unread rest of its buffer to the front after every reply or two: fed a whole 64 KiB read, it
  // would copy each byte some thirty times. Small slices keep that rest short.
  static constexpr std::size_t slice = 4 * 1024;

  bool feed(std::string_view bytes);
  /// Null when more bytes are needed; false on a protocol error.
  bool next(reply_ptr& reply);

  struct free_reader {
    void operator()(redisReader* reader) const { redisReaderFree(reader); }
  };
  std::unique_ptr<redisReader, free_reader> reader_;
};

template <class OnReply>
bool decoder::decode(std::string_view bytes, OnReply&& on_reply) {
  while (!bytes.empty()) {
    if (!feed(bytes.substr(0, slice)))
      return false;
    bytes.remove_prefix(std::min(slice, bytes.size()));
    for (reply_ptr reply;;) {
      if (!next(reply))
        return false;
      if (!reply)
        break;
      if (!on_reply(std::move(reply)))
        return true;
    }
  }
  return true;
}

} // namespace jobcast::redis
