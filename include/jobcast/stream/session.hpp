// A connection that has become a stream: the socket, what is left to send, and one entry in the timing wheel.
//
// Ten thousand of these are idle at any time, so there is no coroutine, no read buffer and no timer of its own: one
// wait for readability tells of the peer's end, one for writability is begun only when the socket took less than it was
// given.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/timing_wheel.hpp"
#include "jobcast/net/client_socket.hpp"
#include "jobcast/stream/host.hpp"
#include "jobcast/stream/outbox.hpp"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <memory>

namespace jobcast::stream {

/// Keeps itself alive while the socket is open.
class session : public boost::intrusive_ref_counter<session, boost::thread_unsafe_counter>,
                public hub::watcher,
                protected wheel_entry,
                net::send_completion,
                net::socket_waiter {
 public:
  session(net::client_socket socket, host& h, hub::encoding as);
  virtual ~session();

  /// hub::watcher: sends what is due until the socket takes no more.
  void flush() final;
  void expire() final;
  void abort() final { close(); }

  /// Counted as a stream of its viewer as long as this lives.
  void set_place(net::admission::ticket place) { place_ = std::move(place); }

 protected:
  /// Before each send: the place to add or drop what depends on what is due. False holds everything back for now.
  virtual bool prepare() = 0;
  // Both only while the socket takes what it is given; what they add is sent at once.
  /// limits.heartbeat has passed.
  virtual void heartbeat() {}
  /// In half a heartbeat nothing will have been sent for longer than limits.heartbeat.
  virtual void keep_alive() {}
  /// Whether it may be told the time, as it is each minute.
  virtual bool is_begun() const { return true; }
  /// The peer sent something. False ends the connection. By default what a peer sends on a one-way stream is ignored,
  /// up to a bound.
  virtual bool on_bytes(char* bytes, std::size_t size);
  /// The credentials are good no longer: say so, and end.
  virtual void on_expired() = 0;
  /// The connection is over: leave the hub.
  virtual void on_closed() = 0;

  /// Begins to wait for the peer's end. Call once.
  void start();
  /// Sends what is due, then closes.
  void close_when_sent() { closing_ = true; }
  /// Takes that back, while something is still to be sent.
  void stay_open() { closing_ = false; }
  void close();
  /// What was said of the end of the old credentials holds for new ones.
  void credentials_renewed();
  bool open() const { return socket_.is_open(); }
  bool blocked() const { return blocked_; }

  host& host_;
  outbox box_;

 private:
  void send_all();
  void queue_send();
  void on_sent(ssize_t result) final;
  bool failed(error_code ec);
  bool goes_on(std::size_t sent, std::size_t wanted, std::size_t events);
  void all_sent();
  bool flush_socket();
  void block();
  bool check_expiry();
  std::chrono::milliseconds next_deadline() const;
  void wait_writable();
  void on_ready(net::direction which, error_code ec) final;
  void on_forgotten() final;
  void on_readable();
  void on_writable();
  void on_deadline() final;
  void on_blocked_deadline();
  void go_on();
  void close_gently();

  net::client_socket socket_;
  net::admission::ticket place_; ///< among the streams of one viewer
  std::chrono::steady_clock::time_point blocked_since_{};
  std::chrono::steady_clock::time_point next_beat_{};
  std::uint32_t queued_ = 0; ///< bytes that wait to be sent jointly; 0: none do
  bool blocked_ = false;
  bool closing_ = false;
  bool sent_all_ = false; ///< closing, and everything is sent: only the peer's end is awaited
  bool renewal_asked_ = false;
  bool owns_itself_ = false; ///< from start() until the socket was closed
  bool second_half_ = false; ///< of a heartbeat
  std::uint8_t silence_ = 0; ///< half beats since something was sent
  std::uint16_t junk_ = 0;   ///< bytes the peer sent on a one-way stream
  std::uint16_t beats_ = 0;  ///< half beats since it was told the time
};

template <class Session>
using session_ptr = boost::intrusive_ptr<Session>;

} // namespace jobcast::stream
