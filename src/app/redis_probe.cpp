#include "redis_probe.hpp"

#include "jobcast/redis/info.hpp"
#include "unique_fd.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace jobcast::app {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

template <class Address>
std::optional<redis_identity> probe(const Address& address, std::chrono::milliseconds time) {
  const unique_fd fd(::socket(reinterpret_cast<const sockaddr&>(address).sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{time.count() / 1000, static_cast<suseconds_t>(time.count() % 1000 * 1000)};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::nullopt;
  constexpr std::string_view question = "INFO server\r\nPING\r\nQUIT\r\n";
  if (::send(fd.get(), question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size()))
    return std::nullopt;

  std::string answer;
  char buffer[4096];
  for (ssize_t size; answer.size() < 65536 && (size = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(size)); // until QUIT closes
  redis_identity identity;
  const auto pid = redis::info_value(answer, "process_id");
  std::from_chars(pid.data(), pid.data() + pid.size(), identity.pid);
  identity.run_id = redis::info_value(answer, "run_id");
  identity.ready = answer.find("\r\n+PONG\r\n") != std::string::npos;
  if (identity.pid == 0 || identity.run_id.empty())
    return std::nullopt;
  return identity;
}

} // namespace

std::optional<redis_identity> probe_unix(const std::string& path, std::chrono::milliseconds time) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return probe(address, time);
}

std::optional<redis_identity> probe_loopback(std::uint16_t port, std::chrono::milliseconds time) {
  return probe(loopback(port), time);
}

bool is_port_free(std::uint16_t port) {
  const unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto address = loopback(port);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
         ::listen(fd.get(), 1) == 0;
}

} // namespace jobcast::app
