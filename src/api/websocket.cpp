// GET /api/ws: the server's side of the opening handshake (RFC 6455, section 4.2).

#include "jobcast/http/websocket.hpp"
#include "jobcast/api/access.hpp"
#include "jobcast/api/cors.hpp"
#include "jobcast/api/endpoints.hpp"

#include <algorithm>
#include <cctype>

namespace jobcast::api {

namespace {

constexpr std::string_view subprotocol = "jobcast.v1";

bool same(std::string_view a, std::string_view b) {
  return a == b;
}

bool same_regardless_of_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// Whether a comma-separated header lists `wanted`.
template <class Same>
bool lists(std::string_view header, std::string_view wanted, Same is_same) {
  while (!header.empty()) {
    auto const comma = header.find(',');
    std::string_view one = header.substr(0, comma);
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
    auto const first = one.find_first_not_of(" \t");
    auto const last = one.find_last_not_of(" \t");
    if (first != std::string_view::npos && is_same(one.substr(first, last - first + 1), wanted))
      return true;
  }
  return false;
}

// 16 bytes in base64.
bool is_websocket_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, [](unsigned char c) {
           return std::isalnum(c) || c == '+' || c == '/';
         });
}

http::response upgrade_required() {
  http::response out = http::problem(426, "This address speaks WebSocket, version 13; send an upgrade request.");
  out.add("Upgrade", "websocket").add("Sec-WebSocket-Version", "13");
  return out;
}

http::response wrong_origin(const http::request& r) {
  return http::problem(403,
                       r.field("Origin").empty() ? by_cookie_needs_origin
                                                 : "Pages of this origin may not connect; add it to cors.origins.",
                       "Origin");
}

} // namespace

task<http::answer> get_websocket(context& c, http::request& r, parts) {
  if (!lists(r.field("Upgrade"), "websocket", same_regardless_of_case) ||
      !lists(r.field("Connection"), "upgrade", same_regardless_of_case) || r.field("Sec-WebSocket-Version") != "13" ||
      r.head)
    co_return upgrade_required();
  std::string_view const key = r.field("Sec-WebSocket-Key");
  if (!is_websocket_key(key))
    co_return http::problem(400, "The key must be 16 bytes in base64.", "Sec-WebSocket-Key");
  if (!lists(r.field("Sec-WebSocket-Protocol"), subprotocol, same))
    co_return http::problem(400, "Offer the subprotocol jobcast.v1: new WebSocket(url, \"jobcast.v1\").",
                            "Sec-WebSocket-Protocol");
  // Browsers let any page open a WebSocket anywhere; only the Origin tells.
  if (!may_command(c.config.cors, r.field("Origin"), r.host(), r.who && r.who->by_cookie))
    co_return wrong_origin(r);
  std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
      http::ws_accept(key) + "\r\nSec-WebSocket-Protocol: " + std::string(subprotocol) + "\r\n" +
      c.date.at(c.clock.now()) + "\r\n";
  co_return take_over(c, r,
                      [&c, head = std::move(head), who = r.who, client = client_of(c, r)](net::client_socket socket) {
                        c.open_websocket(std::move(socket), head, who, client);
                      });
}

} // namespace jobcast::api
