// The Redis of a gateway that was given none: a private redis-server as its child, so that there is one code path.
//
// It keeps an append-only file in `<data_dir>/redis` (fsync every second), logs to redis.log there, and serves the
// gateway over a unix socket; 127.0.0.1:`redis.embedded_port` is for workers. It ends with the gateway even if that is
// killed (SIGTERM, so that the file is flushed first), and is started again when it dies.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/settings.hpp"

#include <boost/system/result.hpp>
#include <memory>
#include <string>
#include <sys/types.h>

namespace jobcast::app {

/// Lives on the main thread: made, started, stopped and destroyed there, with `context` run there too.
class embedded_redis {
 public:
  embedded_redis(asio::io_context& context, const settings& values);
  embedded_redis(const embedded_redis&) = delete;
  embedded_redis& operator=(const embedded_redis&) = delete;
  ~embedded_redis(); ///< stops it

  /// Blocks until it answers: at most 10 s, less the time it takes to load its data. The error is a sentence for the
  /// operator: redis-server is not installed, another gateway uses the data folder, the port is taken ... Call once.
  boost::system::result<void, std::string> start();

  /// Absolute; valid after start().
  const std::string& socket_path() const;
  /// Of the child that runs now; -1 between its death and the next start.
  pid_t pid() const;

  /// SIGTERM, and SIGKILL if it has not ended within `grace`. Blocks; does nothing if it is not running.
  void stop(milliseconds grace = std::chrono::seconds(10));

 private:
  class keeper;
  std::unique_ptr<keeper> keeper_;
};

} // namespace jobcast::app
