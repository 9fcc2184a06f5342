#include "jobcast/net/turns.hpp"

#include "jobcast/base/survive.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace jobcast::net {

task<> turns::take() {
  if (!std::exchange(taken_, true)) {
    asio::post(executor_, [this] { end_turn(); });
    co_return;
  }
  auto const queue = [this](resume go) { waiting_.push_back(std::move(go)); };
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void()>(queue, use_awaitable);
}

void turns::end_turn() {
  if (waiting_.empty()) {
    taken_ = false;
    return;
  }
  asio::post(executor_, [this] { end_turn(); });
  resume next = std::move(waiting_.front());
  waiting_.pop_front();
  std::move(next)();
}

} // namespace jobcast::net
