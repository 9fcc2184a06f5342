// From a claimed delivery to the transfer that makes it.
#pragma once

#include "jobcast/notify/webhook.hpp"
#include "transfer.hpp"

#include <boost/system/result.hpp>

namespace jobcast::notify {

/// The error says why there is nothing to try, and that trying later is no use either. `now` in milliseconds since the
/// epoch.
boost::system::result<std::unique_ptr<transfer>, std::string> prepare(const delivery& d, const notify_settings& config,
                                                                      std::string_view ns, std::int64_t now);

} // namespace jobcast::notify
