#include "target.hpp"

#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/un.h>
#include <unistd.h>

namespace jobcast::bench {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

} // namespace

target target::tcp(const std::string& host, const std::string& port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  target t;
  t.name_ = host + ":" + port;
  if (int const problem = getaddrinfo(host.c_str(), port.c_str(), &wanted, &found))
    throw std::runtime_error(t.name_ + ": " + gai_strerror(problem));
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> const owned(found, freeaddrinfo);
  std::memcpy(&t.address_, found->ai_addr, found->ai_addrlen);
  t.size_ = found->ai_addrlen;
  return t;
}

target target::unix_socket(const std::string& path) {
  target t;
  t.name_ = path;
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path)
    throw std::runtime_error("the path of a Unix socket is too long: " + path);
  std::memcpy(at.sun_path, path.data(), path.size());
  std::memcpy(&t.address_, &at, sizeof at);
  t.size_ = sizeof at;
  return t;
}

int target::connect(unsigned source) const {
  int const fd = socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    fail("cannot open another socket; raise the limit on open files (ulimit -n)");
  int const on = 1;
  if (address_.ss_family != AF_UNIX)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (source != 0 && address_.ss_family == AF_INET) {
    // Else bind() looks for a port that is free towards everyone, ever slower with each one in TIME_WAIT.
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
    if (bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0)
      fail("cannot use another source address");
  }
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address_), size_) != 0 && errno != EINPROGRESS) {
    int const why = errno;
    close(fd);
    errno = why;
    fail("cannot connect to " + name_);
  }
  return fd;
}

bool target::loopback() const {
  if (address_.ss_family != AF_INET)
    return false;
  sockaddr_in at{};
  std::memcpy(&at, &address_, sizeof at);
  return ntohl(at.sin_addr.s_addr) >> 24 == 127;
}

int connect_error(int fd) {
  int problem = 0;
  socklen_t size = sizeof problem;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno;
}

} // namespace jobcast::bench
