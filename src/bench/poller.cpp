#include "poller.hpp"

#include <cerrno>
#include <chrono>
#include <ctime>
#include <system_error>
#include <unistd.h>

namespace jobcast::bench {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

std::int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

poller::poller()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0)
    fail("epoll_create1");
}

poller::~poller() {
  close(epoll_);
}

void poller::control(int what, int fd, std::uint32_t events, pollable* p) {
  epoll_event e{};
  e.events = events;
  e.data.ptr = p;
  if (epoll_ctl(epoll_, what, fd, &e) != 0)
    fail("epoll_ctl");
}

void poller::turn(std::int64_t ns) {
  epoll_event events[512];
  timespec const wait{ns / 1'000'000'000, ns % 1'000'000'000};
  int const n = epoll_pwait2(epoll_, events, 512, &wait, nullptr);
  for (int i = 0; i < n; ++i)
    static_cast<pollable*>(events[i].data.ptr)->on_ready(events[i].events);
}

} // namespace jobcast::bench
