// Which handler each reply belongs to: Redis answers in the order of the commands. No I/O.
#pragma once

#include "jobcast/redis/client.hpp"

#include <deque>

namespace jobcast::redis {

class pipeline {
 public:
  /// A command was queued. With `keep`, its reply is moved there just before the handler is called. No handler: the
  /// reply is dropped.
  void push(client::handler done, reply_ptr* keep = nullptr) { waiting_.push_back({std::move(done), keep}); }

  /// Everything pushed so far was handed to the kernel, at least in part.
  void written() { written_ = waiting_.size(); }

  bool empty() const { return waiting_.empty(); }

  /// Gives the reply to the oldest command. False: none was waiting, the peer does not speak Redis.
  bool complete(reply_ptr reply);

  /// The connection is gone: completes what was written with `written`, the rest with `unwritten`, in order. What the
  /// handlers push meanwhile is not touched.
  void fail(error_code written, error_code unwritten);

 private:
  struct command {
    client::handler done;
    reply_ptr* keep;
  };
  std::deque<command> waiting_;
  std::size_t written_ = 0;
};

} // namespace jobcast::redis
