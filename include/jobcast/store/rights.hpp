// The rights that the gateway's Redis user needs (docs/security.md, "A Redis user for gateways"). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jobcast::store {

struct right {
  std::string name;              ///< as ACL SETUSER takes it: `+hset`, `~jobcast:*`, `&jobcast:*`
  std::vector<std::string> call; ///< a call that needs it; only tried by ACL DRYRUN, which runs nothing
  bool vital;                    ///< false: without it only a metric or a warning is missing
};

/// The right to ask about the others.
inline constexpr std::string_view dry_run_right = "+acl|dryrun";

/// All that a gateway may call, in its functions too. `database`: that of redis.url.
std::vector<right> rights_of(std::string_view ns, unsigned database);

/// Returns true if what ACL DRYRUN said about that call means that this right is missing. One about a key is not about
/// the command, and the other way round.
bool is_missing(const right& r, std::string_view said);

} // namespace jobcast::store
