// A report that was refused, as the function library keeps it in the stream `ns:refused`.
#pragma once

#include "jobcast/redis/reply.hpp"

#include <string_view>

namespace jobcast::supervise {

/// What was sent, so any bytes; valid as long as the reply it was read from.
struct refused_report {
  std::string_view id, field, reason;
};

/// `fields`: names and values of an entry, in turn. Names of newer libraries are passed over.
refused_report read_refused_report(redis::reply_view fields);

} // namespace jobcast::supervise
