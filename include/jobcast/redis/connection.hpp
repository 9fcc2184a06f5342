// A connection to Redis that keeps itself connected: what the command client and the subscriber have in common.
//
// Connecting, handshake, reading, writing, pings, and trying again after a loss are here; what is said on the
// connection is the derived class's.
#pragma once

#include "jobcast/base/backoff.hpp"
#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/redis/client.hpp"
#include "jobcast/redis/handshake.hpp"
#include "jobcast/redis/liveness.hpp"
#include "jobcast/redis/resp.hpp"
#include "jobcast/redis/transport.hpp"

#include <array>
#include <memory>
#include <string>

namespace jobcast::redis {

/// Lives on one reactor thread. Owned by shared_ptr: pending operations hold on to it, so the owner may stop() and let
/// go at any time, also from inside the functions below. After stop() none of those is called again.
class connection : public std::enable_shared_from_this<connection> {
 public:
  /// `purpose` names the connection in the log.
  connection(executor ex, address where, connection_options options, std::string purpose);
  virtual ~connection() = default;

  void start();
  void stop();
  bool up() const { return stage_ == stage::up; }
  bool stopped() const { return stage_ == stage::stopped; }
  const std::string& last_failure() const { return last_failure_; }
  const executor& get_executor() const { return executor_; }

  /// Nothing more is read from the server (but for what was read already, and a handshake) until it may go on, or the
  /// connection is lost. It is not given up for its silence meanwhile.
  void pause_reading();
  void go_on_reading();

  /// Asks for take_output() once, later in this turn of the loop; does nothing while there is no connection.
  void write_soon();

 protected:
  /// The same at once. Never calls on_down(): a failure shows later.
  void write_now();

  /// The handshake is through.
  virtual void on_up() = 0;
  virtual void on_down() = 0;
  /// What came after the handshake. `any` is set once there was a whole reply in it. An empty answer means fine, else
  /// why the connection must be given up. The connection may be stopped from inside: what is left of the bytes is
  /// dropped then.
  virtual std::string on_bytes(std::string_view bytes, bool& any) = 0;
  /// All that could be read for now was handed out, and there was a reply in it.
  virtual void on_turn_end() {}
  /// Whether the server owes an answer.
  virtual bool awaiting() const = 0;
  virtual void ping() = 0;
  /// Fills in what to send now; `out` comes empty.
  virtual void take_output(std::string& out) = 0;

 private:
  enum class stage { idle, connecting, up, waiting, stopped };

  // What belongs to one connection, held by its pending operations too: a late completion of the last one can neither
  // touch nor be taken for the next.
  struct session {
    explicit session(executor ex)
        : stream(ex) {}
    transport stream;
    decoder greeting; ///< of the handshake
    std::array<char, 64 * 1024> input;
    std::string output;
    bool writing = false; ///< or writing has failed
    bool paused = false;  ///< nothing more is to be read
    bool idle = false;    ///< nothing is being read, since it is paused
    void sent();
  };
  using session_ptr = std::shared_ptr<session>;
  using member = void (connection::*)();

  void attempt();
  void attempt_timed_out();
  void on_connected(error_code ec);
  void begin_handshake();
  std::string on_handshake_reply(reply_view reply);
  void now_up();
  void tick();
  void fail(const std::string& why);
  void read();
  void on_read(error_code ec, std::size_t size);
  std::string dispatch(std::string_view bytes, bool& any);
  void write(const session_ptr& s);
  void after(std::chrono::milliseconds delay, member then);

  void log_loss(const std::string& why, bool was_up);
  void log_return();

  const executor executor_;
  const address where_;
  const connection_options options_;
  const std::string purpose_;

  stage stage_ = stage::idle;
  session_ptr session_;
  handshake handshake_;
  liveness liveness_;
  backoff backoff_;
  steady_timer timer_; ///< of the stage: attempt's limit, next tick, next attempt
  unsigned timer_turn_ = 0;
  bool write_posted_ = false;
  std::string last_failure_;

  using time_point = std::chrono::steady_clock::time_point;
  time_point up_since_{};
  complaint_gate complaints_{std::chrono::seconds(10)};
  bool announce_ = true; ///< the next connection is worth a line
};

} // namespace jobcast::redis
