// Finds out which rights the gateway's Redis user lacks, and names them in the log and in the metrics: a call that is
// refused inside a function does not say which right it needed.
#pragma once

#include "jobcast/metrics/counters.hpp"
#include "jobcast/redis/client.hpp"
#include "jobcast/store/rights.hpp"

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace jobcast::store {

/// One per gateway, used on the loop of `client`, which must outlive it.
class rights_watch {
 public:
  using clock = std::chrono::steady_clock;

  rights_watch(redis::client& client, const redis::address& where, std::string_view ns, metrics::counters& counters);
  ~rights_watch();

  /// Asks now, unless the answers of the last time are still under way.
  void check();
  /// Asks if that is due. Call once a second.
  void tick(clock::time_point now);

 private:
  /// ACL DRYRUN, which runs nothing.
  void ask(std::span<const std::string> call, redis::client::handler done);
  void ask_all();
  void conclude(const std::vector<const right*>& missing);

  redis::client& client_;
  std::string user_;
  const std::vector<right> rights_;
  metrics::counters& counters_;
  bool asking_ = false;
  bool may_ask_ = true;   ///< the user may call ACL DRYRUN
  std::string complaint_; ///< rights that the last line of the log named
  clock::time_point next_{};
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace jobcast::store
