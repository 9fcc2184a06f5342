// Server-Sent Events (HTML standard, section 9.2; protocol section 4) of one job, of several, or of all of an owner.
#pragma once

#include "jobcast/hub/watch_request.hpp"
#include "jobcast/net/client_socket.hpp"
#include "jobcast/stream/host.hpp"

namespace jobcast::stream {

/// Answers the request for an event stream on `socket` and goes on by itself until either side ends it.
void open_sse(net::client_socket socket, host& h, hub::watch_request r);

} // namespace jobcast::stream
