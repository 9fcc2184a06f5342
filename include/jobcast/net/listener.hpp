// Accepts connections on a port shared by all reactors (SO_REUSEPORT): the kernel spreads them, nothing is handed over.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/base/settings.hpp"

#include <boost/system/result.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace jobcast::net {

/// Reads "127.0.0.1:8080", "[::1]:8080" or "localhost:8080". The error is a sentence.
boost::system::result<tcp::endpoint, std::string> parse_endpoint(std::string_view text);

/// Why the port cannot be had, or nothing: SO_REUSEPORT would share it silently with another gateway.
std::string port_problem(const tcp::endpoint& where);

/// As in a URL: "127.0.0.1:8080", "[::1]:8080".
std::string name_of(const tcp::endpoint& where);

class listener {
 public:
  /// `accepted` gets each socket's descriptor, and owns it from then on: non-blocking, with the options that all of
  /// them need (inherited from the listening one).
  listener(asio::io_context& io, const limit_settings& limits,
           std::function<void(int fd, const asio::ip::address& peer)> accepted);

  /// Throws boost::system::system_error if the endpoint cannot be bound.
  void start(const tcp::endpoint& where);
  /// No more connections are accepted; those in the backlog are reset.
  void stop();

 private:
  using acceptor = asio::basic_socket_acceptor<tcp, executor>;
  void wait();
  void accept_some();

  acceptor acceptor_;
  steady_timer pause_;
  complaint_gate complaints_{std::chrono::minutes(1)};
  milliseconds write_timeout_;
  std::function<void(int fd, const asio::ip::address& peer)> accepted_;
};

} // namespace jobcast::net
