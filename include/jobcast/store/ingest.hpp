// Applies what workers PUBLISH on `ns:report:<id>`. One gateway at a time does, by a lease in Redis that it renews and
// any other takes over when it lapses: everyone applying every message would count each report several times.
//
// At most once, as the contract says: what is published while no gateway holds the lease is lost.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/redis/client.hpp"
#include "jobcast/redis/subscriber.hpp"
#include "jobcast/store/store.hpp"

#include <memory>
#include <string>

namespace jobcast::store {

/// One per gateway, on one reactor's thread.
class ingest final : redis::subscriber_observer {
 public:
  /// `client` must outlive it. `holder` is this gateway's name, unique among gateways.
  ingest(executor ex, const redis::address& where, redis::client& client, std::string ns, std::string holder,
         metrics::counters& counters);
  ~ingest();

  void start();
  /// Gives the lease up, so that another gateway need not wait for it to lapse.
  void stop();
  bool holding() const { return holding_; }
  /// True once Redis has heard that the lease is given up, or none was held.
  bool released() const { return !releasing_; }

 private:
  void on_subscribed(std::string_view) override {}
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_turn_end() override {}
  void on_connection(bool) override {}

  void tick();
  void ask();
  void hold(bool now);
  void apply(std::string_view id, std::string_view payload);
  void refuse(std::string_view id, const failure& why);

  redis::client& client_;
  redis::subscriber subscriber_;
  steady_timer timer_;
  std::string ns_, holder_, prefix_;
  metrics::counters& counters_;
  bool holding_ = false;
  bool stopped_ = false;
  bool releasing_ = false;
  std::chrono::steady_clock::time_point held_until_{};
  complaint_gate complaints_{std::chrono::seconds(1)};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace jobcast::store
