#include "poller.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <unistd.h>

namespace jobcast::bench {

namespace {

volatile std::sig_atomic_t told_to_end = 0;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { told_to_end = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

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
  if (told_to_end) {
    told_to_end = 0;
    throw std::runtime_error("ended before its time");
  }
}

} // namespace jobcast::bench
