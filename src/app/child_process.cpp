#include "child_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <poll.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace jobcast::app {

namespace {

/// A copy with a number above those the child is given, so that none overwrites another.
unique_fd copy_out_of_the_way(int fd) {
  return unique_fd(fd < 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : ::fcntl(fd, F_DUPFD_CLOEXEC, 10));
}

/// After fork only async-signal-safe calls are allowed: other threads' locks may be held for ever.
[[noreturn]] void become(const char* program, char* const* arguments, int null, int output, int kept, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) // it died before the signal was asked for
    ::_exit(1);
  ::dup2(null, 0);
  ::dup2(output, 1);
  ::dup2(output, 2);
  ::dup2(kept, 3);
  ::close_range(4, ~0u, 0);

  // The gateway's own treatment of signals would pass through exec.
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  ::execv(program, arguments);
  constexpr char failed[] = "cannot be executed\n";
  [[maybe_unused]] const auto written = ::write(2, failed, sizeof failed - 1);
  ::_exit(127);
}

} // namespace

std::string find_program(std::string_view name) {
  const char* variable = std::getenv("PATH");
  std::string_view folders = variable ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!folders.empty()) {
    const auto end = std::min(folders.find(':'), folders.size());
    const auto path = std::filesystem::path(folders.substr(0, end)) / name;
    if (path.is_absolute() && ::access(path.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(path))
      return path;
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return {};
}

boost::system::result<child_process, std::string> child_process::start(const child_options& options) {
  if (::gettid() != ::getpid())
    throw std::logic_error("child_process::start called off the main thread");
  const auto failed = [&](std::string_view what) {
    return fmt::format("cannot start {}: {}: {}", options.program, what, std::strerror(errno));
  };
  const auto null = copy_out_of_the_way(-1), output = copy_out_of_the_way(options.output),
             kept = copy_out_of_the_way(options.kept);
  if (!null || !output || !kept)
    return failed("no descriptor");

  std::vector<char*> arguments{const_cast<char*>(options.program.c_str())};
  for (const auto& argument : options.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0)
    return failed("fork");
  if (pid == 0)
    become(options.program.c_str(), arguments.data(), null.get(), output.get(), kept.get(), parent);
  unique_fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const auto error = failed("pidfd_open");
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return error;
  }
  return child_process(pid, std::move(pidfd));
}

child_process& child_process::operator=(child_process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  return *this;
}

child_process::~child_process() {
  send_signal(SIGKILL);
  ended_within(std::chrono::seconds(10));
}

std::optional<std::string> child_process::ended_within(std::chrono::milliseconds patience) {
  if (!pidfd_)
    return std::nullopt;
  pollfd wait{pidfd_.get(), POLLIN, 0};
  const auto until = std::chrono::steady_clock::now() + patience;
  int ready = 0;
  do {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    ready = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
  } while (ready < 0 && errno == EINTR);
  int status = 0;
  if (ready != 1 || ::waitpid(pid_, &status, 0) != pid_)
    return std::nullopt;
  pidfd_ = unique_fd();
  return WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status))
                             : fmt::format("exit status {}", WEXITSTATUS(status));
}

void child_process::send_signal(int number) const {
  if (pidfd_)
    ::kill(pid_, number);
}

} // namespace jobcast::app
