// Asks the gateway's Redis from the command line, so that a command works beside any gateway or none.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/settings.hpp"
#include "jobcast/redis/client.hpp"

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace jobcast::app {

/// Where the configured Redis is, the private one included. Nothing, and a line on `errors`, if that has no fixed port.
std::optional<redis::address> address_to_ask(const settings& config, std::ostream& errors);

/// One question after the other, each for at most 5 s.
class redis_asker {
 public:
  explicit redis_asker(redis::address where);

  /// Null if there was no answer or an error; `failure` then says which.
  redis::reply_ptr ask(std::vector<std::string> what);

  std::string failure;

 private:
  asio::io_context io_{1};
  redis::client client_;
};

/// `2026-11-29T12:00:00Z`
std::string utc_text(std::int64_t ms);

} // namespace jobcast::app
