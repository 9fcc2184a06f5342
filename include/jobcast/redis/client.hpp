// A pipelined command connection to Redis that keeps itself connected.
//
// Commands queued during one turn of the event loop leave in one write; replies are matched in order. When the
// connection is lost, every command already written is failed with `lost` (it may or may not have run: the caller
// decides whether to repeat it), and until it is back new ones fail at once with `unavailable`.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/redis/address.hpp"
#include "jobcast/redis/reply.hpp"

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace jobcast::redis {

enum class errc {
  unavailable = 1, ///< no connection at present; nothing was sent
  lost,            ///< the connection broke, or the reply did not come in time; the command may have run
  stopped,         ///< stop() was called
};
const boost::system::error_category& redis_category();
inline error_code make_error_code(errc e) {
  return {static_cast<int>(e), redis_category()};
}

struct connection_options {
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds ping_every{1'000}; ///< when nothing else was received for this long
  std::chrono::milliseconds dead_after{5'000}; ///< replies awaited and nothing received for this long: reconnect
  std::chrono::milliseconds backoff_base{50};  ///< reconnect delay, doubled up to the cap, full jitter
  std::chrono::milliseconds backoff_cap{2'000};
  std::size_t read_per_turn = 256 * 1024; ///< bytes, before others on this thread get their turn
  std::string_view purpose{};             ///< names the connection in the log, forever valid; empty: what it is for
};

/// All members are to be called on the executor's thread; handlers are invoked there, never from inside call().
class client {
 public:
  /// `reply` is valid only during the call; it is nil when `ec` is set. A Redis error reply comes without `ec`, as
  /// reply.is_error().
  using handler = std::function<void(error_code ec, reply_view reply)>;

  client(executor ex, address where, connection_options options = {});
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void start();
  /// Closes for good; everything pending completes with `stopped`. Call before destroying while the loop still runs.
  void stop();

  /// True between a completed handshake (AUTH, SELECT answered) and the loss of the connection.
  bool connected() const;
  /// Why the last attempt failed; empty when connected.
  const std::string& last_failure() const;

  /// Called on every change of connected().
  void on_change(std::function<void(bool connected)> observer);

  void call(std::span<const std::string_view> arguments, handler done);
  void call(std::initializer_list<std::string_view> arguments, handler done) {
    call(std::span<const std::string_view>(arguments.begin(), arguments.size()), std::move(done));
  }

  struct answer {
    error_code ec;
    reply_ptr owned; ///< null when ec is set
    reply_view reply() const { return owned.get(); }
  };
  /// The same for coroutines. The arguments are copied before the first suspension.
  task<answer> call(std::vector<std::string> arguments);

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace jobcast::redis

template <>
struct boost::system::is_error_code_enum<jobcast::redis::errc> : std::true_type {};
