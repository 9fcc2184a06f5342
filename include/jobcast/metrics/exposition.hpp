// The counters in Prometheus' text format, summed over reactors: a label per reactor or job would only grow the
// reader's memory.
#pragma once

#include "jobcast/metrics/counters.hpp"

#include <span>
#include <string>

namespace jobcast::metrics {

/// `notify` may be null, for a gateway without a notifier.
std::string exposition(std::span<const counters* const> reactors, const notify_counters* notify);

} // namespace jobcast::metrics
