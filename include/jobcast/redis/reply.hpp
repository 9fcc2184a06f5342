// A RESP2 reply, read through hiredis' redisReply tree.
#pragma once

#include <cstdint>
#include <hiredis/hiredis.h>
#include <memory>
#include <string_view>

namespace jobcast::redis {

struct free_reply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using reply_ptr = std::unique_ptr<redisReply, free_reply>;

/// A view of a reply or of one of its elements; valid as long as the reply_ptr it came from. Every accessor is total:
/// asked for what the reply is not, it answers empty, 0 or nil.
class reply_view {
 public:
  reply_view() = default;
  reply_view(const redisReply* reply)
      : reply_(reply) {}

  bool is_nil() const { return !reply_ || reply_->type == REDIS_REPLY_NIL; }
  bool is_error() const { return reply_ && reply_->type == REDIS_REPLY_ERROR; }
  bool is_array() const { return reply_ && reply_->type == REDIS_REPLY_ARRAY; }

  /// Text of a string, status or error reply.
  std::string_view text() const {
    return reply_ && reply_->str ? std::string_view(reply_->str, reply_->len) : std::string_view{};
  }
  /// Value of an integer reply, or of a string that is one.
  std::int64_t integer() const;

  std::size_t size() const { return is_array() ? reply_->elements : 0; }
  reply_view operator[](std::size_t i) const { return i < size() ? reply_view(reply_->element[i]) : reply_view{}; }

 private:
  const redisReply* reply_ = nullptr;
};

} // namespace jobcast::redis
