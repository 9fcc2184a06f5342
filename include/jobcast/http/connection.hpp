// One client connection while it speaks request and response: reads a request, has it answered, and so on, until the
// client leaves, misbehaves, or an endpoint takes the socket over for a stream.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/settings.hpp"
#include "jobcast/base/timing_wheel.hpp"
#include "jobcast/http/request.hpp"
#include "jobcast/http/response.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/net/client_socket.hpp"
#include "jobcast/net/turns.hpp"

#include <array>
#include <boost/intrusive/list.hpp>
#include <functional>
#include <optional>
#include <variant>

namespace jobcast::http {

/// Takes the connection over; nothing has been sent in answer to the request.
using takeover = std::function<void(net::client_socket)>;
using answer = std::variant<response, takeover>;

/// How long a body may be, and what says so, for who is refused.
struct body_limit {
  std::size_t bytes = 0;
  std::string_view set_by = "limits.body";
};

/// What is decided about a request while only its head is known, so that nobody's body is taken for nothing.
struct verdict {
  std::optional<response> refusal{}; ///< to be answered instead
  body_limit body{};
};

class request_handler {
 public:
  /// `r` has no body yet. Also finds out who asks.
  virtual verdict judge(request& r) = 0;
  /// `r` and what it views stay valid until the task is done. Not called for what was refused.
  virtual task<answer> handle(request& r) = 0;
  /// Adds what every response carries, error responses of the connection itself included. `r` is null if it could not
  /// be read.
  virtual void decorate(const request* r, response& out) = 0;
  /// For whom what `r` brings, and is answered with, is held. Null: nothing is known but who is at the other end.
  virtual net::admission::client holder(const asio::ip::address& peer, const request* r) = 0;
  /// The gateway is draining: answer what is under way, then close.
  virtual bool draining() const = 0;

 protected:
  ~request_handler() = default;
};

/// A connection between requests, or before the first, can be let go of at once when the gateway drains.
class open_connection
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual void drain() = 0;
  /// The drain took too long.
  virtual void abort() = 0;

 protected:
  ~open_connection() = default;
};
using open_connections = boost::intrusive::list<open_connection, boost::intrusive::constant_time_size<false>>;

struct connection_context {
  request_handler& handler;
  const limit_settings& limits;
  timing_wheel& wheel;
  metrics::counters& counters;
  net::admission& admission;
  open_connections open{};
  /// What any connection reads into: bytes are taken out of it before another's turn, so that a connection that waits
  /// holds no buffer.
  std::array<char, 4096> input{};
  /// Of TLS handshakes.
  net::turns& handshakes;
};

/// Runs until the connection is over or taken over. What it refers to must outlive it.
/// A TLS handshake that is due comes first.
/// `peer` is the address at the other end, of a client or of a proxy.
task<> serve_connection(net::client_socket socket, asio::ip::address peer, connection_context& context);

} // namespace jobcast::http
