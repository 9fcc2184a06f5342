// Many sends in one system call, by io_uring (io_uring(7)).
//
// The problem: to deliver is to send a few hundred bytes on each of thousands of sockets, and entering the kernel costs
// as much as a quarter of that. Sends that are due at the same time are queued here and submitted together; none waits,
// so each is decided when submit() returns. Reading, accepting and everything else stays with the event loop.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <sys/types.h>
#include <sys/uio.h>

namespace jobcast::net {

/// Learns what became of a send.
class send_completion {
 public:
  /// Bytes that the socket took, or an error number negated: -EAGAIN if it took none. May queue further sends.
  virtual void on_sent(ssize_t result) = 0;

 protected:
  ~send_completion() = default;
};

/// One thread uses it: the one that made it.
class send_ring {
 public:
  /// Null where the kernel has no io_uring, or forbids it; `why` then says so.
  static std::unique_ptr<send_ring> make(std::string& why);
  ~send_ring();
  send_ring(const send_ring&) = delete;
  send_ring& operator=(const send_ring&) = delete;

  /// Pieces that one send can take.
  static constexpr std::size_t pieces_per_send = 64;

  /// So many leave at a time: more would save little, and hold the first ones up for the last.
  static constexpr std::size_t most_queued = 64;

  /// Queues one non-blocking send of `pieces`, at least one. What they point to, and `who`, must stay until it is
  /// called.
  void queue(int fd, std::span<const iovec> pieces, send_completion& who);
  /// Sends everything queued, also what completions queue, and calls every completion. Throws std::system_error where
  /// the kernel does not take part, which is a bug.
  void submit();
  /// Has fewer than most_queued waiting; submits those there are if need be.
  void make_room();
  std::size_t queued() const { return queued_; }

 private:
  send_ring();
  void submit_some();

  struct impl;
  std::unique_ptr<impl> impl_;
  std::size_t queued_ = 0;
};

} // namespace jobcast::net
