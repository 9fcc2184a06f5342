// The pub/sub connection. What should be subscribed is data: it is replayed after every reconnect.
//
// A gap in pub/sub must never be a gap on screen. So the observer hears of every acknowledged subscription, the first
// one and each one after a reconnect, and reads the truth only then; what is published meanwhile is delivered in order.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/redis/address.hpp"
#include "jobcast/redis/client.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace jobcast::redis {

/// Called on the executor's thread. Strings are valid only during the call. subscribe() and unsubscribe() may be called
/// from inside any of these.
class subscriber_observer {
 public:
  /// A channel's, or a pattern's, subscription is in force, first or again.
  virtual void on_subscribed(std::string_view channel_or_pattern) = 0;
  /// A channel's messages may also come before on_subscribed() and after unsubscribe(), while the server has not heard
  /// of it: to look up each once more would cost as much as the observer, who looks it up anyway. Those of patterns do
  /// not.
  virtual void on_message(std::string_view channel, std::string_view payload) = 0;
  /// All bytes read from the socket in this turn have been handed out: the moment to flush.
  virtual void on_turn_end() = 0;
  /// The connection was lost (false) or is back and every subscription was sent again (true).
  virtual void on_connection(bool up) = 0;

 protected:
  ~subscriber_observer() = default;
};

class subscriber {
 public:
  /// `observer` must outlive the subscriber.
  subscriber(executor ex, address where, subscriber_observer& observer, connection_options options = {});
  ~subscriber();
  subscriber(const subscriber&) = delete;
  subscriber& operator=(const subscriber&) = delete;

  void start();
  void stop();
  bool connected() const;

  /// Idempotent. Requests of one turn leave in one write.
  void subscribe(std::string_view channel);
  void unsubscribe(std::string_view channel);
  void psubscribe(std::string_view pattern);
  void punsubscribe(std::string_view pattern);

  /// Backpressure: nothing more is read until go_on(), but for what was read already, or the connection is lost. Redis
  /// keeps for us what is published meanwhile, and cuts the connection when that is over its
  /// `client-output-buffer-limit pubsub`.
  void pause();
  void go_on();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace jobcast::redis
