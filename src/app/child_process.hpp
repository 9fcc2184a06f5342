// A child process that cannot outlive this one, however this one ends.
#pragma once

#include "unique_fd.hpp"

#include <boost/system/result.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace jobcast::app {

struct child_options {
  std::string program;                ///< absolute path
  std::vector<std::string> arguments; ///< after the program's name
  int output = -1;                    ///< its stdout and stderr
  int kept = -1;                      ///< a descriptor it holds open while it lives, for example a lock
};

/// Where the program is, searched in PATH; empty if nowhere.
std::string find_program(std::string_view name);

/// Ends with SIGKILL what still runs when destroyed.
class child_process {
 public:
  /// From the main thread only: the parent-death signal follows the thread that forked, and a reactor's thread may end
  /// before the program does (std::logic_error otherwise). The child gets SIGTERM when this process dies. It leads its
  /// own process group, so that Ctrl-C in a terminal reaches the gateway alone, and inherits no descriptor but those
  /// named: sockets of viewers would otherwise stay open after the gateway closed them.
  static boost::system::result<child_process, std::string> start(const child_options& options);

  child_process(child_process&&) noexcept = default;
  child_process& operator=(child_process&& other) noexcept;
  ~child_process();

  pid_t pid() const { return pid_; }
  /// Becomes readable when the child has ended.
  int descriptor() const { return pidfd_.get(); }
  /// "exit status 1" or "signal 9" if it ends within `patience`; reaps it.
  std::optional<std::string> ended_within(std::chrono::milliseconds patience);
  void send_signal(int number) const;

 private:
  child_process(pid_t pid, unique_fd pidfd)
      : pid_(pid)
      , pidfd_(std::move(pidfd)) {}

  pid_t pid_ = -1;
  unique_fd pidfd_; ///< none once reaped
};

} // namespace jobcast::app
