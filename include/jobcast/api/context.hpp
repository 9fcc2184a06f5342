// What the endpoints work with. Wired in app/; one per reactor.
#pragma once

#include "jobcast/auth/authenticator.hpp"
#include "jobcast/base/redis_clock.hpp"
#include "jobcast/base/settings.hpp"
#include "jobcast/http/connection.hpp"
#include "jobcast/http/date.hpp"
#include "jobcast/http/open_file.hpp"
#include "jobcast/hub/event.hpp"
#include "jobcast/hub/poll_request.hpp"
#include "jobcast/hub/watch_request.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/net/admission.hpp"
#include "jobcast/net/networks.hpp"
#include "jobcast/store/lists.hpp"
#include "jobcast/store/shared_reads.hpp"

#include <functional>
#include <memory>
#include <random>
#include <string>

namespace jobcast::api {

struct readiness {
  bool ready;
  std::string why_not;
};

struct context {
  store::store& store;
  store::shared_reads& reads; ///< of single records
  store::lists& lists;
  const settings& config;
  metrics::counters& counters;
  net::admission& admission;
  /// Replaced as wholes when the configuration is read again.
  const std::shared_ptr<const auth::authenticator>& auth;
  const std::shared_ptr<const net::networks>& trusted_proxies;

  const redis_clock& clock;

  /// Makes the connection a stream.
  std::function<void(net::client_socket, hub::watch_request)> open_stream;
  /// Sends the head of the 101 response and makes the connection a WebSocket. `who`: null for who is yet to say so.
  /// `client`: the address whose limits.request_rate its messages count in.
  std::function<void(net::client_socket, std::string head, auth::identity_ptr who, const asio::ip::address& client)>
      open_websocket;
  /// Holds a request; null if nothing was heard of the job.
  std::function<task<hub::event_ptr>(hub::poll_request)> wait_for_change;
  std::function<readiness()> ready;
  std::function<std::string()> metrics; ///< in Prometheus' text format
  std::function<bool()> draining;
  std::function<bool()> crowded; ///< only limits.reserve is left
  /// 1 when the event loop keeps up; how many times slower than that otherwise. Stretches Retry-After.
  std::function<double()> load;

  http::date_line date{};   ///< by `clock`
  http::open_files files{}; ///< of web.root
  std::minstd_rand random{std::random_device{}()};
};

} // namespace jobcast::api
