// WebSocket (RFC 6455) with subprotocol jobcast.v1 (protocol section 4): many jobs on one connection, and commands.
#pragma once

#include "jobcast/net/client_socket.hpp"
#include "jobcast/stream/host.hpp"

#include <string>

namespace jobcast::stream {

inline constexpr std::string_view ws_subprotocol = "jobcast.v1";

/// Sends `head` (the 101 response, whole) and goes on by itself until either side ends it. `who`: null where everyone
/// may see everything; where it is `awaits_auth()`, the client must first send `auth`.
/// Its messages count as requests of `client`.
void open_websocket(net::client_socket socket, host& h, std::string head, auth::identity_ptr who,
                    const asio::ip::address& client);

/// Nobody yet, for so long as a client has to say who it is.
auth::identity_ptr awaits_auth(std::int64_t now_ms);

} // namespace jobcast::stream
