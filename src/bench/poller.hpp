// epoll with one object per descriptor. The load does without an event loop library: what it spends on itself is taken
// from what it can ask of a server.
#pragma once

#include <cstdint>
#include <sys/epoll.h>

namespace jobcast::bench {

/// Steady clock in nanoseconds.
std::int64_t now_ns();

inline constexpr std::int64_t millisecond = 1'000'000, second = 1'000 * millisecond;

class pollable {
 public:
  /// EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP.
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~pollable() = default;
};

/// From now on SIGINT and SIGTERM end what a poller does; a second one ends the process.
void stop_on_signals();

class poller {
 public:
  poller();
  ~poller();
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  void add(int fd, std::uint32_t events, pollable& p) { control(EPOLL_CTL_ADD, fd, events, &p); }
  void modify(int fd, std::uint32_t events, pollable& p) { control(EPOLL_CTL_MOD, fd, events, &p); }
  /// Waits up to `ns` and calls what is ready. Objects must not be destroyed from on_ready(). Throws
  /// std::runtime_error, once, when the process was told to end (stop_on_signals).
  void turn(std::int64_t ns);

 private:
  void control(int what, int fd, std::uint32_t events, pollable* p);
  int epoll_;
};

} // namespace jobcast::bench
