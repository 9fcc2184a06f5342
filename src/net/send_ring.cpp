#include "jobcast/net/send_ring.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <liburing.h>
#include <sys/socket.h>
#include <system_error>
#include <vector>

namespace jobcast::net {

struct send_ring::impl {
  // Of a send of several pieces, what the kernel reads when it is submitted. Of one piece nothing is kept.
  struct message {
    msghdr head;
    std::array<iovec, pieces_per_send> pieces;
  };
  struct outcome {
    send_completion* who;
    ssize_t result;
  };

  io_uring ring{};
  std::vector<message> messages = std::vector<message>(most_queued);
  std::size_t used = 0; ///< of `messages`
  std::array<outcome, most_queued> outcomes{};
};

send_ring::send_ring()
    : impl_(std::make_unique<impl>()) {}

std::unique_ptr<send_ring> send_ring::make(std::string& why) {
  std::unique_ptr<send_ring> made(new send_ring);
  io_uring_params parameters{};
  // One send that cannot even begin must not keep the others from being tried.
  parameters.flags = IORING_SETUP_SUBMIT_ALL;
  if (int const failed = io_uring_queue_init_params(most_queued, &made->impl_->ring, &parameters); failed != 0) {
    why = std::strerror(-failed);
    made->impl_.reset();
    return nullptr;
  }
  return made;
}

send_ring::~send_ring() {
  if (impl_)
    io_uring_queue_exit(&impl_->ring);
}

void send_ring::queue(int fd, std::span<const iovec> pieces, send_completion& who) {
  make_room();
  constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  io_uring_sqe* const entry = io_uring_get_sqe(&impl_->ring);
  if (pieces.size() == 1) {
    io_uring_prep_send(entry, fd, pieces[0].iov_base, pieces[0].iov_len, flags);
  } else {
    impl::message& m = impl_->messages[impl_->used++];
    std::copy(pieces.begin(), pieces.end(), m.pieces.begin());
    m.head = {};
    m.head.msg_iov = m.pieces.data();
    m.head.msg_iovlen = pieces.size();
    io_uring_prep_sendmsg(entry, fd, &m.head, flags);
  }
  io_uring_sqe_set_data(entry, &who);
  ++queued_;
}

// Completions may fill it again.
void send_ring::make_room() {
  while (queued_ == most_queued)
    submit_some();
}

void send_ring::submit() {
  while (queued_ > 0)
    submit_some();
}

void send_ring::submit_some() {
  std::size_t const count = queued_;
  // Interrupted, or short of memory: what was not taken yet is still queued. None of it waits, so all is decided then.
  for (int taken = 0; taken < static_cast<int>(count);) {
    int const more = io_uring_submit(&impl_->ring);
    if (more < 0 && more != -EINTR && more != -EAGAIN && more != -EBUSY)
      throw std::system_error(-more, std::system_category(), "io_uring_submit");
    taken += more > 0 ? more : 0;
  }
  std::size_t decided = 0;
  while (decided < count) {
    io_uring_cqe* done = nullptr;
    if (int const failed = io_uring_wait_cqe(&impl_->ring, &done); failed == -EINTR)
      continue;
    else if (failed != 0)
      throw std::system_error(-failed, std::system_category(), "io_uring_wait_cqe");
    impl_->outcomes[decided++] = {static_cast<send_completion*>(io_uring_cqe_get_data(done)), done->res};
    io_uring_cqe_seen(&impl_->ring, done);
  }
  queued_ = 0;
  impl_->used = 0;
  // Completions may queue, and so submit, in their turn.
  auto const outcomes = impl_->outcomes;
  for (std::size_t i = 0; i < decided; ++i)
    outcomes[i].who->on_sent(outcomes[i].result);
}

} // namespace jobcast::net
