// Brings `[jobs]` into Redis as one set (jobcast_policies). Of gateways with different `[jobs]`, the one last started
// or reloaded is in force; the others write nothing.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/settings.hpp"
#include "jobcast/redis/client.hpp"

#include <boost/system/result.hpp>
#include <string>
#include <vector>

namespace jobcast::store {

/// What `[jobs]` says of all jobs and of each type, as jobcast_policies takes it.
std::vector<std::string> policies_of(const settings& s);

enum class policies_right {
  take,  ///< the gateway was started or reloaded: its policies are in force from now on
  renew, ///< Redis may have lost them: written if they are in force, or if none are
};

struct policies_written {
  std::string ours, in_force; ///< hashes; another in force: nothing was written
  bool strays;                ///< gateways before `ns:policies` may have left policies behind
};

/// The error is Redis' or that of the connection.
using policies_answer = boost::system::result<policies_written, std::string>;
task<policies_answer> write_policies(redis::client& client, std::string ns, policies_right right,
                                     std::vector<std::string> policies);

/// Deletes policies of types that are not in force, and not known from an earlier set. Goes over the keys of Redis in
/// small steps; what fails is tried again with the next set that is written.
task<void> forget_stray_policies(redis::client& client, std::string ns);

} // namespace jobcast::store
