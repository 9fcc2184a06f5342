// Echoes WebSocket messages with the gateway's codec and nothing else, for scripts/conformance: it prints its port, and
// serves one connection at a time until its input ends.
#include "jobcast/http/websocket.hpp"
#include "jobcast/stream/ws_codec.hpp"

#include <arpa/inet.h>
#include <cstdio>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

using namespace jobcast;

namespace {

constexpr std::size_t message_limit = 32 * 1024 * 1024;

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t const sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Reads the handshake and answers it. Header names are matched as the clients of scripts/conformance write them.
bool shake_hands(int with) {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n"))
    if (::recv(with, &byte, 1, 0) <= 0)
      return false;
    else
      head += byte;
  constexpr std::string_view name = "Sec-WebSocket-Key: ";
  auto const at = head.find(name);
  if (at == head.npos)
    return false;
  std::string const key = head.substr(at + name.size(), head.find('\r', at) - at - name.size());
  return send_all(
      with, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
                http::ws_accept(key) + "\r\n\r\n");
}

// Appends the answer to an item. False if it is the last.
bool answer(std::string& out, const stream::ws_item& item) {
  using kind = stream::ws_item::kind;
  switch (item.what) {
  case kind::text:
    http::append_ws_frame(out, http::ws_opcode::text, item.payload);
    return true;
  case kind::binary:
    http::append_ws_frame(out, http::ws_opcode::binary, item.payload);
    return true;
  case kind::ping:
    http::append_ws_frame(out, http::ws_opcode::pong, item.payload);
    return true;
  case kind::close:
    if (item.has_code)
      http::append_ws_close(out, item.code, item.payload);
    else
      http::append_ws_frame(out, http::ws_opcode::close, {});
    return false;
  case kind::failure:
    http::append_ws_close(out, item.code, {});
    return false;
  case kind::pong:
  case kind::none:
    return true;
  }
  return true;
}

void serve(int client) {
  if (!shake_hands(client))
    return;
  stream::ws_decoder decoder(message_limit);
  static char bytes[64 * 1024];
  for (bool going_on = true; going_on;) {
    ssize_t const got = ::recv(client, bytes, sizeof bytes, 0);
    if (got <= 0)
      return;
    char* at = bytes;
    auto size = static_cast<std::size_t>(got);
    std::string out;
    while (going_on) {
      stream::ws_item const item = decoder.next(at, size);
      if (item.what == stream::ws_item::kind::none)
        break;
      going_on = answer(out, item);
    }
    if (!send_all(client, out))
      return;
  }
  ::shutdown(client, SHUT_WR);
  timeval const patience{1, 0};
  ::setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  while (::recv(client, bytes, sizeof bytes, 0) > 0)
    ;
}

} // namespace

int main() {
  int const listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 16) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("ws_echo");
    return 1;
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  for (;;) {
    pollfd waits[] = {{0, POLLIN, 0}, {listener, POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0)
      return 1;
    if (waits[0].revents != 0)
      return 0;
    int const client = ::accept(listener, nullptr, nullptr);
    if (client < 0)
      continue;
    serve(client);
    ::close(client);
  }
}
