// What a webhook says, and whether its URL may be used. Pure.
#pragma once

#include "jobcast/notify/address_rules.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::notify {

/// What is to be told: one outcome on one channel.
struct delivery {
  std::string id{};      ///< names it in Redis
  std::string channel{}; ///< `hook.<name>` of the config; `webhook.<lane>` or `email` of the job
  std::string to{};      ///< URL or address that the job named; empty for hooks
  std::string job{}, type{}, status{};
  unsigned attempt = 0;
  unsigned tries = 0;                     ///< with this one
  std::string claim{};                    ///< proves that this gateway is the one to try
  std::int64_t created = 0, finished = 0; ///< of the job and of this outcome, milliseconds since the epoch
  std::string record{};                   ///< JSON
};

/// Letters and digits, the same for every try to tell this outcome on whatever channel, and for no other outcome.
std::string identity(const delivery& d, std::string_view ns);

/// `{"type":"job.<status>","timestamp":"<RFC 3339>","data":<record>}`
std::string webhook_body(const delivery& d);

/// Header lines: `webhook-id: ...` and so on. `now` in milliseconds since the epoch.
std::vector<std::string> webhook_headers(std::string_view identity, std::string_view body, std::int64_t now,
                                         std::span<const std::string> secrets);

/// What is wrong with a URL, as a clause to follow its name; empty if nothing. An http or https URL without user and
/// password; if its host is an address, one that the rules allow.
std::string check_webhook_url(std::string_view url, const address_rules& rules);

/// `https://host[:port]`: what may be logged of a URL, since paths and queries hold secrets.
std::string loggable(std::string_view url);

/// Names the endpoint in the list of disabled ones.
std::string endpoint_key(std::string_view url);

} // namespace jobcast::notify
