// Lets coroutines go on one after the other, one a turn of the loop.
//
// The problem: a TLS handshake takes 0.2 to 3 ms of CPU. When hundreds of clients come at once, their hellos are all
// readable in the same turn, and every update waits for all of them. One a turn costs the crowd next to nothing, since
// the loop goes straight to its next turn, and an update waits for one handshake.
#pragma once

#include "jobcast/base/asio.hpp"

#include <boost/asio/async_result.hpp>
#include <deque>

namespace jobcast::net {

/// Of a reactor, on its thread.
class turns {
 public:
  explicit turns(executor on)
      : executor_(on) {}
  turns(const turns&) = delete;
  turns& operator=(const turns&) = delete;

  /// At once, if nobody had this turn of the loop yet; else after those who came before.
  task<> take();

 private:
  using resume = asio::async_result<asio::use_awaitable_t<executor>, void()>::handler_type;

  void end_turn();

  executor executor_;
  bool taken_ = false;
  std::deque<resume> waiting_;
};

} // namespace jobcast::net
