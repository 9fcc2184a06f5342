// What many streams have to send at the end of a turn, sent by one system call (net/send_ring.hpp).
#pragma once

#include "jobcast/net/send_ring.hpp"
#include "jobcast/stream/outbox.hpp"

#include <memory>
#include <string>

namespace jobcast::stream {

/// On the reactor's thread only. What is queued must be submitted before the event loop goes on: nothing it points to
/// may change until then.
class joint_sends {
 public:
  /// Null where the kernel has no io_uring, or forbids it; `why` then says so.
  static std::unique_ptr<joint_sends> make(std::string& why);

  /// For the next queue(). May call completions to make room.
  batch& next();
  /// Queues what next() was filled with.
  void queue(int fd, net::send_completion& who);
  void submit() { ring_->submit(); }

 private:
  explicit joint_sends(std::unique_ptr<net::send_ring> ring);

  std::unique_ptr<net::send_ring> ring_;
  std::unique_ptr<batch[]> batches_;
};

} // namespace jobcast::stream
