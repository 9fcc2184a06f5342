// WebSocket (RFC 6455) with subprotocol jobcast.v1 (protocol section 4): many jobs on one connection, and commands.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/stream/host.hpp"

#include <string>

namespace jobcast::stream {

inline constexpr std::string_view ws_subprotocol = "jobcast.v1";

/// Sends `head` (the 101 response, whole) and goes on by itself until either side ends it.
void open_websocket(tcp_socket socket, host& h, std::string head);

} // namespace jobcast::stream
