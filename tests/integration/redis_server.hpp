// A redis-server of the test's own, on a Unix socket in a temporary folder and on a free loopback port.
#pragma once

#include "jobcast/redis/address.hpp"
#include "jobcast/redis/client.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace jobcast::test {

class redis_server {
 public:
  /// Runs when this returns. `extra`: more command-line options. Throws when it cannot be started.
  explicit redis_server(std::vector<std::string> extra = {});
  ~redis_server();
  redis_server(const redis_server&) = delete;
  redis_server& operator=(const redis_server&) = delete;

  void start();
  void kill();
  /// Stopped, it keeps its connections and answers nothing; the kernel still accepts new ones for it.
  void pause();
  void resume();

  redis::address unix_socket() const;
  redis::address tcp() const;

 private:
  struct folder {
    folder();
    ~folder();
    std::string path;
  };

  bool answers() const;

  std::vector<std::string> extra_;
  folder folder_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

/// Options that reconnect at once. `patience`: how long a server may be silent, on a machine busy with other things.
inline redis::connection_options quick(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  using std::chrono::milliseconds;
  redis::connection_options options;
  options.ping_every = milliseconds(50);
  options.dead_after = patience;
  options.connect_timeout = patience;
  options.backoff_base = milliseconds(5);
  options.backoff_cap = milliseconds(50);
  return options;
}

} // namespace jobcast::test
