// One core's share of the gateway: an event loop on one thread with its own listener, hub and connections to Redis.
// Nothing is shared with other reactors but counters, which are only read from outside.
#pragma once

#include "jobcast/api/router.hpp"
#include "jobcast/app/redis_backend.hpp"
#include "jobcast/app/secrets.hpp"
#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/base/settings.hpp"
#include "jobcast/base/timing_wheel.hpp"
#include "jobcast/hub/hub.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/net/admission.hpp"
#include "jobcast/net/listener.hpp"
#include "jobcast/redis/client.hpp"
#include "jobcast/redis/subscriber.hpp"
#include "jobcast/store/ingest.hpp"
#include "jobcast/store/library_keeper.hpp"
#include "jobcast/store/rights_watch.hpp"
#include "jobcast/store/store.hpp"
#include "jobcast/stream/host.hpp"
#include "jobcast/supervise/report_watch.hpp"
#include "jobcast/supervise/supervisor.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jobcast::app {

/// What reactors know of the whole gateway; safe to use from any thread once they run.
struct gateway {
  redis::address redis;
  std::string name;                               ///< unique among gateways
  std::vector<const metrics::counters*> counters; ///< of all reactors
  const metrics::notify_counters* notify = nullptr;
  std::function<api::readiness()> ready;
  std::unique_ptr<net::admission> admission; ///< thread-safe itself
  /// The library cannot be used with this Redis: end the gateway with this message.
  std::function<void(std::string)> fail;
};

class reactor final : redis::subscriber_observer {
 public:
  reactor(const gateway& shared, const settings& config, const secrets& keys, unsigned number);
  ~reactor();

  /// Begins to listen; connections wait until run(). Throws boost::system::system_error. Call before run().
  void listen(const tcp::endpoint& where);
  /// Connects to Redis and runs the loop until the drain is over. Call on the thread that is to be the reactor's.
  void run();
  /// Thread-safe. Refuses new connections, tells the streams, and has run() return within the drain timeout.
  void drain();
  /// Thread-safe. Takes over limits, job types, allowed origins, keys and certificates.
  void reload(const settings& config, const secrets& keys);
  /// Thread-safe. Ends run() at once, for a gateway that could not start.
  void stop();

  const metrics::counters& counters() const { return counters_; }

 private:
  // redis::subscriber_observer
  void on_subscribed(std::string_view channel) override;
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_turn_end() override;
  void on_connection(bool up) override;

  void on_accepted(int fd, const asio::ip::address& peer);
  /// Takes a place and the price of a handshake for the address. False if there is none: a refusal has been counted.
  bool admit(const asio::ip::address& peer, net::admission::ticket& place);
  /// Over all reactors.
  std::uint64_t sum_of(metrics::counter metrics::counters::*which) const;
  std::uint64_t open_connections() const;
  void on_client(bool connected);
  void update_available();
  void tick();
  void advance_wheel();
  void probe();
  void ask_time();
  void warn_of_eviction();
  void begin_drain();
  void end_if_drained();
  void flush();
  api::context make_context();

  const gateway& shared_;
  settings config_;
  secrets secrets_;
  metrics::counters counters_;
  timing_wheel wheel_;
  asio::io_context io_{1};
  net::readiness& ready_{asio::use_service<net::readiness>(io_)};
  redis::client client_, bulk_client_;
  redis::subscriber subscriber_;
  store::store store_;
  store::shared_reads reads_;
  store::bulk_reads bulk_reads_;
  store::lists lists_;
  redis_backend backend_;
  hub::hub hub_;
  stream::host host_;
  std::unique_ptr<stream::joint_sends> sends_; ///< with server.io_uring
  api::context context_;
  api::router router_;
  net::turns handshakes_;
  http::connection_context connections_;
  net::listener listener_;
  std::optional<store::library_keeper> library_;
  std::optional<store::rights_watch> rights_;
  std::optional<store::ingest> ingest_;
  std::optional<supervise::supervisor> supervisor_;
  std::optional<supervise::report_watch> report_watch_;
  steady_timer ticker_;
  std::string probe_channel_;
  std::string eviction_policy_; ///< the last that Redis named
  std::chrono::steady_clock::time_point next_probe_{}, drain_deadline_{};
  complaint_gate crowded_{std::chrono::minutes(1)}, hasty_{std::chrono::minutes(1)},
      unwatched_{std::chrono::minutes(1)};
  double lag_ = 1;
  bool subscriber_up_ = false;
  bool draining_ = false;
  bool ended_ = false; ///< the drain is over
};

} // namespace jobcast::app
