// Applies what workers PUBLISH on `ns:report:<id>`. One gateway at a time does, by a lease in Redis that it renews and
// any other takes over when it lapses: everyone applying every message would count each report several times.
//
// At most once, as the contract says: what is published while no gateway holds the lease is lost. When more comes than
// Redis applies, newer progress replaces older; then progress is shed; and when outcomes alone are too many, nothing is
// read until they are fewer. Each of these is counted.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/redis/client.hpp"
#include "jobcast/redis/subscriber.hpp"
#include "jobcast/store/report_queue.hpp"
#include "jobcast/store/store.hpp"

#include <memory>
#include <string>
#include <vector>

namespace jobcast::store {

/// One per gateway, on one reactor's thread.
class ingest final : redis::subscriber_observer {
 public:
  /// The lease is renewed over `client`, which must outlive it; reports are applied over a connection of their own, so
  /// that nothing waits behind them. `holder` is this gateway's name, unique among gateways.
  ingest(executor ex, const redis::address& where, redis::client& client, std::string ns, std::string holder,
         metrics::counters& counters, report_queue::limits most = {});
  ~ingest();

  void start();
  /// Gives the lease up, so that another gateway need not wait for it to lapse. What waits is still applied.
  void stop();
  bool holding() const { return holding_; }
  /// True once Redis has heard that the lease is given up, or none was held, and nothing waits that could be applied.
  bool released() const { return !releasing_ && (over() || !reports_.connected()); }
  /// After stop(): applies nothing more, whatever waits.
  void end();

 private:
  void on_subscribed(std::string_view) override {}
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_turn_end() override;
  void on_connection(bool up) override;

  void tick();
  void ask();
  void hold(bool now);
  void take_in(std::string_view id, std::string_view payload);
  void refuse_here(std::string_view id, std::string_view field, const std::string& reason);
  void apply_waiting();
  bool may_apply() const;
  void apply(report_queue::report next);
  void on_answer(report_queue::report applied, error_code ec, redis::reply_view reply);
  void refuse(std::string_view id, const failure& why);
  void take_back();
  bool over() const { return waiting_.empty() && not_run_.empty() && unanswered_ == 0; }

  redis::client& client_;
  redis::client reports_;
  redis::subscriber subscriber_;
  steady_timer timer_;
  std::string ns_, holder_, prefix_;
  metrics::counters& counters_;
  report_queue waiting_;
  std::size_t unanswered_ = 0, unanswered_bytes_ = 0;
  std::vector<report_queue::report> not_run_; ///< Redis would not run them now: they wait again, in their order
  bool holding_ = false;
  bool stopped_ = false;
  bool releasing_ = false;
  std::chrono::steady_clock::time_point held_until_{}, paused_at_{};
  complaint_gate refusals_{std::chrono::seconds(1)}, sheds_{std::chrono::minutes(1)}, losses_{std::chrono::minutes(1)};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace jobcast::store
