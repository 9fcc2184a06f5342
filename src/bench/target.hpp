// A server's address, looked up once, and connections to it.
#pragma once

#include <string>
#include <sys/socket.h>

namespace jobcast::bench {

class target {
 public:
  /// A name or address. Throws std::runtime_error if it cannot be found.
  static target tcp(const std::string& host, const std::string& port);
  static target unix_socket(const std::string& path);

  /// Begins to connect, without blocking; the socket is writable once that is decided. From 127.0.0.1 + `source` if
  /// that is not 0 and the target is IPv4. Throws std::runtime_error.
  int connect(unsigned source = 0) const;
  bool loopback() const;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  sockaddr_storage address_{};
  socklen_t size_ = 0;
};

/// What became of a connection that was begun; 0 if it stands.
int connect_error(int fd);

} // namespace jobcast::bench
