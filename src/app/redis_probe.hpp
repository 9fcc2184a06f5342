// Asks a Redis who it is, once, over a blocking connection of its own. For start-up, where there is no reactor yet to
// wait with.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace jobcast::app {

struct redis_identity {
  pid_t pid = 0;
  std::string run_id; ///< random, new with each start
  bool ready = false; ///< false while it loads its data
};

/// nullopt if nothing answers as a Redis within `patience`.
std::optional<redis_identity> probe_unix(const std::string& path, std::chrono::milliseconds patience);
std::optional<redis_identity> probe_loopback(std::uint16_t port, std::chrono::milliseconds patience);

/// Whether 127.0.0.1:`port` could be listened on now: a bind with SO_REUSEADDR and without SO_REUSEPORT.
bool is_port_free(std::uint16_t port);

} // namespace jobcast::app
