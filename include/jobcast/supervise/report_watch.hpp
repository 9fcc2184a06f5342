// Tells operators of reports that were refused or mended: counts them, and logs each refused report once among all
// gateways. Workers may call the functions without a gateway, so the functions keep both in Redis, and this reads it
// there.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/complaint_gate.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/redis/client.hpp"

#include <memory>
#include <string>

namespace jobcast::supervise {

/// One per gateway, on one reactor's thread. Reads `ns:refused` as consumer group `gateways`, and `ns:mended`.
class report_watch {
 public:
  /// `client` and `counters` must outlive it.
  report_watch(executor ex, redis::client& client, std::string ns, metrics::counters& counters);
  ~report_watch();

  void start();
  void stop();

 private:
  void wait();
  void read_refused();
  void make_group();
  void count_refused();
  void read_mended();
  void tell(redis::reply_view entry);

  redis::client& client_;
  steady_timer timer_;
  std::string refused_, mended_;
  metrics::counters& counters_;
  complaint_gate complaints_{std::chrono::seconds(1)};
  bool stopped_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace jobcast::supervise
