// Tells when the sockets of clients can be read, or written again.
//
// The problem: for each socket Asio keeps a state of its own with a lock, and for each wait an operation; it tells the
// kernel of every wait anew, of two settings of each socket it accepted, and of each that is closed. Ten thousand
// clients that come back at once pay for all of that, and idle ones hold the memory. So client sockets have an epoll
// instance of their own, which the loop waits for like for one more descriptor. What is kept of a socket is a slot in a
// table, and the kernel is told of it once, and again when its peer is slow: events are edge-triggered (epoll(7)), and
// what was seen is remembered until a read finds nothing.
#pragma once

#include "jobcast/base/asio.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>
#include <optional>
#include <vector>

namespace jobcast::net {

enum class direction : std::uint8_t { read, write };

class socket_waiter {
 public:
  /// What was waited for has come, or may have: try. With an error it will not come.
  virtual void on_ready(direction which, error_code ec) = 0;
  /// It will never be told of anything: a waiter that owns itself is to go.
  virtual void on_forgotten() {}

 protected:
  ~socket_waiter() = default;
};

class end_listener {
 public:
  /// The peer closes the connection or its sending half, or the connection breaks. Told once.
  virtual void on_peer_end() = 0;

 protected:
  ~end_listener() = default;
};

/// Of an io_context, on its thread only; `asio::use_service<readiness>(io)`. A service, since it must be there as long
/// as anything that the loop still holds may have a socket.
class readiness final : public asio::execution_context::service {
 public:
  static inline asio::execution_context::id id;

  explicit readiness(asio::execution_context& io);

  /// From here on until remove(), which must come before the descriptor is closed.
  error_code add(int fd);
  /// Who waits is told nothing.
  void remove(int fd) { slots_[static_cast<std::size_t>(fd)] = {}; }
  /// Ends what is being waited for with operation_aborted, soon.
  void cancel(int fd);

  /// Tells it so, without a socket.
  void abort_soon(socket_waiter& who, direction which);

  /// At most one waiter for each direction; it is told once, never within this call.
  void wait(int fd, direction which, socket_waiter& who);

  /// Tells `who` of the peer's end, which the kernel shows before what the peer has sent is read. Null: nobody, as
  /// before the call. Who is told nothing has ended() to look at.
  void listen_for_end(int fd, end_listener* who) { slots_[static_cast<std::size_t>(fd)].ends = who; }
  bool ended(int fd) const { return slots_[static_cast<std::size_t>(fd)].ended; }

  /// False if a read would find nothing, so that it need not be tried.
  bool readable(int fd) const { return slots_[static_cast<std::size_t>(fd)].readable; }
  /// A read found nothing; or less than it asked for, which is as good, unless more than bytes has come.
  void found_nothing(int fd) {
    slot& s = slots_[static_cast<std::size_t>(fd)];
    s.readable = s.more_than_bytes = false;
  }
  void found_less(int fd) {
    slot& s = slots_[static_cast<std::size_t>(fd)];
    s.readable = s.more_than_bytes;
  }

  /// Forgets it once what is being done is done: a session must not vanish under its own feet.
  void retire(socket_waiter& who);
  /// Nobody is told of readiness from here on, so that the loop can end.
  void stop();
  /// The same, and who waits is forgotten.
  void shutdown() noexcept override;

 private:
  struct slot {
    socket_waiter* reader = nullptr;
    socket_waiter* writer = nullptr;
    end_listener* ends = nullptr;
    bool readable = false; ///< as far as is known
    /// The peer's end, an error, or urgent data, at which a read stops short of what is behind it.
    bool more_than_bytes = false;
    bool ended = false; ///< by the peer, or broken
  };

  void wait_for_events();
  void take_events();
  void forget_retired();
  void on_event(int fd, std::uint32_t what);

  asio::io_context& io_;
  std::optional<asio::posix::basic_stream_descriptor<executor>> epoll_; ///< until stopped
  std::vector<slot> slots_;                                             ///< by descriptor
  std::vector<socket_waiter*> retired_;
};

/// Calls a handler once.
template <class Handler>
class handler_waiter final : public socket_waiter {
 public:
  explicit handler_waiter(Handler&& done)
      : done_(std::move(done)) {}
  void on_ready(direction, error_code ec) override {
    Handler done = std::move(done_);
    delete this;
    std::move(done)(ec);
  }
  void on_forgotten() override { delete this; }

 private:
  Handler done_;
};

} // namespace jobcast::net
