// `Prefer: wait` (RFC 7240, section 4.3): a request held until its job's record is another than the client has, or
// until the job appears.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/hub/poll_request.hpp"
#include "jobcast/stream/host.hpp"

namespace jobcast::stream {

/// Waits until the record's event id is not `known`, or the job is missing, or `wait` is over, or the client leaves, or
/// the gateway drains. With `known` empty: waits until there is a record that `who` may see.
/// Returns the newest event heard of, null if none was.
task<hub::event_ptr> wait_for_change(executor ex, host& h, hub::poll_request asked);

} // namespace jobcast::stream
