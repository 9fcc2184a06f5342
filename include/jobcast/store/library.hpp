// Brings the function library into Redis by the version rule: loaded if absent, replaced only by a higher minor of the
// same major, refused if the major differs. Two gateways of different age can so share one Redis.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/redis/client.hpp"

#include <boost/system/result.hpp>
#include <string>
#include <string_view>

namespace jobcast::store {

struct library_version {
  unsigned major = 0, minor = 0;
  friend auto operator<=>(const library_version&, const library_version&) = default;
};

/// Of `1.0` as jobcast_version answers; 0.0 if it is nothing of the kind.
library_version parse_version(std::string_view text);
/// The version that the library's source declares.
library_version version_of_source(std::string_view source);

enum class library_action { keep, replace, refuse };
library_action decide(library_version loaded, library_version ours);

struct library_failure {
  bool lasting; ///< trying again is no use: another major, or a Redis without functions
  std::string detail;
};

/// Loads or replaces as needed.
task<boost::system::result<void, library_failure>> install_library(redis::client& client, std::string ns);

} // namespace jobcast::store
