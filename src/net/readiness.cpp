#include "jobcast/net/readiness.hpp"

#include "jobcast/base/survive.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <memory>
#include <sys/epoll.h>
#include <system_error>
#include <utility>

namespace jobcast::net {

namespace {

// Redis and everything else have their turn after so many.
constexpr int events_per_turn = 256;
constexpr std::uint32_t reading = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET;

int make_epoll() {
  int const made = ::epoll_create1(EPOLL_CLOEXEC);
  if (made < 0)
    throw std::system_error(errno, std::system_category(), "epoll_create1");
  return made;
}

} // namespace

readiness::readiness(asio::execution_context& io)
    : service(io)
    , io_(static_cast<asio::io_context&>(io))
    , epoll_(std::in_place, io_.get_executor(), make_epoll()) {
  wait_for_events();
}

void readiness::stop() {
  epoll_.reset();
}

void readiness::shutdown() noexcept {
  stop();
  // Who is forgotten closes its socket, and may close others'.
  for (std::size_t fd = 0; fd < slots_.size(); ++fd) {
    if (auto* const who = std::exchange(slots_[fd].reader, nullptr))
      who->on_forgotten();
    if (auto* const who = std::exchange(slots_[fd].writer, nullptr))
      who->on_forgotten();
  }
  forget_retired();
}

error_code readiness::add(int fd) {
  if (slots_.size() <= static_cast<std::size_t>(fd))
    slots_.resize(static_cast<std::size_t>(fd) + 1);
  slots_[static_cast<std::size_t>(fd)] = {};
  epoll_event event{};
  event.events = reading;
  event.data.fd = fd;
  if (!epoll_)
    return asio::error::operation_aborted;
  if (::epoll_ctl(epoll_->native_handle(), EPOLL_CTL_ADD, fd, &event) != 0)
    return {errno, boost::system::system_category()};
  return {};
}

void readiness::cancel(int fd) {
  slot& s = slots_[static_cast<std::size_t>(fd)];
  if (auto* const who = std::exchange(s.reader, nullptr))
    abort_soon(*who, direction::read);
  if (auto* const who = std::exchange(s.writer, nullptr))
    abort_soon(*who, direction::write);
}

void readiness::abort_soon(socket_waiter& who, direction which) {
  struct forgetting {
    void operator()(socket_waiter* w) const { w->on_forgotten(); }
  };
  asio::post(io_, [owned = std::unique_ptr<socket_waiter, forgetting>(&who), which]() mutable {
    owned.release()->on_ready(which, asio::error::operation_aborted);
  });
}

void readiness::wait(int fd, direction which, socket_waiter& who) {
  slot& s = slots_[static_cast<std::size_t>(fd)];
  if (which == direction::read) {
    s.reader = &who;
    if (s.readable)
      asio::post(io_, [this, fd] { on_event(fd, EPOLLIN); });
    return;
  }
  s.writer = &who;
  // Looks anew whether there is room, so no change since the last send can be missed. Seldom: for peers that are slow.
  epoll_event event{};
  event.events = reading | EPOLLOUT;
  event.data.fd = fd;
  if (epoll_)
    ::epoll_ctl(epoll_->native_handle(), EPOLL_CTL_MOD, fd, &event);
}

void readiness::retire(socket_waiter& who) {
  if (retired_.empty())
    asio::post(io_, [this] { forget_retired(); });
  retired_.push_back(&who);
}

void readiness::forget_retired() {
  for (socket_waiter* who : std::exchange(retired_, {}))
    who->on_forgotten();
}

void readiness::wait_for_events() {
  epoll_->async_wait(asio::posix::descriptor_base::wait_read, [this](error_code ec) {
    if (!epoll_ || ec == asio::error::operation_aborted)
      return;
    if (ec) // all clients would wait for ever
      throw fatal("waiting for clients: " + ec.message());
    survive([this] { take_events(); });
    if (epoll_)
      wait_for_events();
  });
}

void readiness::take_events() {
  epoll_event events[events_per_turn];
  int const count = ::epoll_wait(epoll_->native_handle(), events, events_per_turn, 0);
  for (int i = 0; i < count; ++i)
    survive([this, &event = events[i]] { on_event(event.data.fd, event.events); });
}

// The kernel forgets a descriptor that is closed. An event of it that was fetched before finds an empty slot, or the
// one of the next socket of that number, whose waiter then tries in vain.
void readiness::on_event(int fd, std::uint32_t what) {
  constexpr std::uint32_t broken = EPOLLHUP | EPOLLERR;
  if (what & (EPOLLRDHUP | broken)) {
    slot& s = slots_[static_cast<std::size_t>(fd)];
    s.ended = true;
    if (auto* const who = std::exchange(s.ends, nullptr))
      who->on_peer_end();
  }
  if (what & (EPOLLIN | EPOLLRDHUP | EPOLLPRI | broken)) {
    slot& s = slots_[static_cast<std::size_t>(fd)];
    s.readable = true;
    s.more_than_bytes = s.more_than_bytes || (what & (EPOLLRDHUP | EPOLLPRI | broken)) != 0;
    if (auto* const who = std::exchange(s.reader, nullptr))
      who->on_ready(direction::read, {});
  }
  if (what & (EPOLLOUT | broken))
    if (auto* const who = std::exchange(slots_[static_cast<std::size_t>(fd)].writer, nullptr))
      who->on_ready(direction::write, {});
}

} // namespace jobcast::net
