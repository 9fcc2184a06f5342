// Server-Sent Events (HTML standard, section 9.2; protocol section 4) of one job, of several, or of all of an owner.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/hub/watch_request.hpp"
#include "jobcast/stream/host.hpp"

namespace jobcast::stream {

/// Answers the request for an event stream on `socket` and goes on by itself until either side ends it.
void open_sse(tcp_socket socket, host& h, hub::watch_request r);

} // namespace jobcast::stream
