// Error replies that say nothing of the call: the same one may be answered once Redis is itself again.
#pragma once

#include "jobcast/redis/denied.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace jobcast::redis {

/// Returns true if Redis did not run the call for a reason that may pass. A right that is missing is one.
inline bool may_pass(std::string_view error) {
  constexpr std::array<std::string_view, 13> passing{"LOADING", "READONLY",   "OOM",         "MISCONF",  "NOREPLICAS",
                                                     "BUSY",    "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOAUTH",
                                                     "MOVED",   "ASK",        "UNBLOCKED"};
  return is_denied(error) || error.find("unction not found") != std::string_view::npos ||
         std::any_of(passing.begin(), passing.end(), [&](std::string_view word) {
           return error.starts_with(word) && error.substr(word.size()).starts_with(' ');
         });
}

} // namespace jobcast::redis
