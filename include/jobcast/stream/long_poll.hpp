// `Prefer: wait` (RFC 7240, section 4.3): a request held until its job's record is another than the client has, or
// until the job appears.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/stream/host.hpp"

#include <string>

namespace jobcast::stream {

/// Waits until the record's event id is not `known`, or the job is missing, or `wait` is over, or the gateway drains.
/// With `known` empty the job is missing as far as `who` may know: waits until there is a record that `who` may see.
/// Returns the newest event heard of, null if none was. `who`: as of a stream.
task<hub::event_ptr> wait_for_change(executor ex, host& h, auth::identity_ptr who, std::string job, std::string known,
                                     std::chrono::milliseconds wait);

} // namespace jobcast::stream
