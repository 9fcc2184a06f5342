// Has Redis act on deadlines: leases, retries, start timeouts. What becomes of a job is decided by jobcast_supervise
// alone, which is atomic; so every gateway does this, and none has to be elected.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/redis/client.hpp"
#include "jobcast/supervise/pace.hpp"

#include <memory>
#include <string>

namespace jobcast::supervise {

/// One per gateway, on one reactor's thread.
class supervisor {
 public:
  /// `client` and `counters` must outlive it.
  supervisor(executor ex, redis::client& client, std::string ns, metrics::counters& counters);
  ~supervisor();

  void start() { go_on(); }
  /// No further call is made; the answer to one that is under way is not awaited.
  void stop();

 private:
  void go_on();
  void ask();

  redis::client& client_;
  steady_timer timer_;
  std::string ns_;
  metrics::counters& counters_;
  pace pace_;
  complaint_gate complaints_{std::chrono::minutes(1)};
  bool stopped_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace jobcast::supervise
