#include "jobcast/app/embedded_redis.hpp"

#include "child_process.hpp"
#include "data_dir.hpp"
#include "jobcast/base/log.hpp"
#include "redis_probe.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <optional>

namespace jobcast::app {

using namespace std::chrono_literals;
using outcome = boost::system::result<void, std::string>;

namespace {

constexpr auto redis_time = 10s;
constexpr auto first_pause = 100ms, longest_pause = 10'000ms;
constexpr auto healthy_after = 60s; ///< a child that lived this long starts the pauses anew

std::string last_line(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string line, last;
  while (std::getline(stream, line))
    if (!line.empty())
      last = line;
  return last;
}

} // namespace

class embedded_redis::keeper {
 public:
  keeper(asio::io_context& context, const settings& values)
      : data_dir_(values.server.data_dir)
      , port_(values.redis.embedded_port)
      , ended_(context.get_executor())
      , pause_timer_(context.get_executor()) {}

  outcome start() {
    program_ = find_program("redis-server");
    if (program_.empty())
      return "redis-server is not installed: apt-get install redis-server, or set redis.url to a Redis that runs";
    const auto data = make_folder(data_dir_);
    if (!data)
      return data.error().why;
    if (auto problem = lock(*data))
      return *std::move(problem);
    const auto folder = make_folder(*data / "redis");
    if (!folder)
      return folder.error().why;
    folder_ = *folder;
    const auto socket = socket_path_for(folder_);
    if (!socket)
      return socket.error().why;
    socket_path_ = *socket;
    if (auto problem = spawn(redis_time))
      return *std::move(problem);
    if (auto problem = wait_until_ready()) {
      stop(redis_time);
      return *std::move(problem);
    }
    log::info("redis-server {} keeps {}, for workers on {}", child_->pid(), folder_.string(),
              port_ ? fmt::format("127.0.0.1:{}", port_) : "no port");
    watch();
    return {};
  }

  void stop(std::chrono::milliseconds grace) {
    stopping_ = true;
    pause_timer_.cancel();
    release_descriptor();
    if (!child_)
      return;
    child_->send_signal(SIGTERM);
    if (!child_->ended_within(grace)) {
      log::warning("redis-server {} did not end within {} ms and is killed", child_->pid(), grace.count());
      child_->send_signal(SIGKILL);
      child_->ended_within(redis_time);
    }
    child_.reset();
  }

  const std::string& socket_path() const { return socket_path_; }
  pid_t pid() const { return child_ ? child_->pid() : -1; }

 private:
  using error = std::optional<std::string>;

  error lock(const std::filesystem::path& data) {
    auto lock = lock_file(data / "lock", 0ms);
    if (!lock)
      return lock.error().why;
    if (!*lock)
      return fmt::format("another gateway uses {}; stop it, or set server.data_dir to another folder", data.string());
    lock_ = std::move(*lock);
    return std::nullopt;
  }

  /// The child holds a lock of its own while it lives: one whose gateway was killed may still be flushing its file, and
  /// two must never write it.
  error spawn(std::chrono::milliseconds wait_for_predecessor) {
    auto lock = lock_file(folder_ / "lock", wait_for_predecessor);
    if (!lock)
      return lock.error().why;
    if (!*lock)
      return fmt::format("an earlier redis-server still writes to {}; wait for it to end, or end it", folder_.string());
    // Only now: until its predecessor has ended, the port may still be that one's.
    if (port_ != 0 && !is_port_free(port_))
      return fmt::format(
          "127.0.0.1:{} is in use by another program; set redis.embedded_port to a free port, or to 0 for none", port_);
    const unique_fd output(::open(log_path().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!output)
      return log_path().string() + " cannot be written";
    auto child = child_process::start({program_, arguments(), output.get(), lock->get()});
    if (!child)
      return child.error();
    child_.emplace(std::move(*child));
    started_at_ = std::chrono::steady_clock::now();
    return std::nullopt;
  }

  std::vector<std::string> arguments() const {
    return {"--port",
            std::to_string(port_),
            "--bind",
            "127.0.0.1",
            "--unixsocket",
            socket_path_,
            "--unixsocketperm",
            "700",
            "--dir",
            folder_.string(),
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--save",
            "",
            "--daemonize",
            "no"};
  }

  error wait_until_ready() {
    auto deadline = std::chrono::steady_clock::now() + redis_time;
    while (std::chrono::steady_clock::now() < deadline) {
      if (const auto how = child_->ended_within(20ms)) {
        child_.reset();
        return fmt::format("redis-server ended with {}: {} (see {})", *how, last_line(log_path()), log_path().string());
      }
      const auto identity = probe_unix(socket_path_, 1s);
      if (!identity || identity->pid != child_->pid())
        continue;
      if (identity->ready)
        return check_port(*identity);
      deadline = std::chrono::steady_clock::now() + redis_time; // it loads its data, which may be much
    }
    return fmt::format("redis-server did not answer on {} within {} s (see {})", socket_path_, redis_time.count(),
                       log_path().string());
  }

  /// A neighbour that took the port since it was found free would be handed our workers' reports.
  error check_port(const redis_identity& ours) const {
    if (port_ == 0)
      return std::nullopt;
    const auto found = probe_loopback(port_, 1s);
    if (found && found->run_id == ours.run_id)
      return std::nullopt;
    return fmt::format("127.0.0.1:{} is answered by another program; set redis.embedded_port to a free port", port_);
  }

  void watch() {
    ended_.assign(child_->descriptor());
    ended_.async_wait(asio::posix::descriptor_base::wait_read, [this](error_code problem) {
      if (!problem && !stopping_)
        on_end();
    });
  }

  void on_end() {
    release_descriptor();
    const auto how = child_->ended_within(0ms);
    const bool was_healthy = std::chrono::steady_clock::now() - started_at_ >= healthy_after;
    log::error("redis-server {} ended with {}: {}", child_->pid(), how.value_or("no status"), last_line(log_path()));
    child_.reset();
    if (was_healthy)
      pause_ = first_pause;
    restart_later();
  }

  void restart_later() {
    log::info("redis-server is started again in {} ms", pause_.count());
    pause_timer_.expires_after(pause_);
    pause_ = std::min(pause_ * 2, std::chrono::milliseconds(longest_pause));
    pause_timer_.async_wait([this](error_code problem) {
      if (!problem && !stopping_)
        restart();
    });
  }

  void restart() {
    if (const auto problem = spawn(0ms)) {
      log::error("{}", *problem);
      return restart_later();
    }
    log::info("redis-server {} started", child_->pid());
    watch();
  }

  /// The child owns the descriptor that is waited on.
  void release_descriptor() {
    if (ended_.is_open())
      ended_.release();
  }

  std::filesystem::path log_path() const { return folder_ / "redis.log"; }

  std::filesystem::path data_dir_;
  std::uint16_t port_;
  std::string program_;
  std::filesystem::path folder_;
  std::string socket_path_;
  unique_fd lock_;
  std::optional<child_process> child_;
  std::chrono::steady_clock::time_point started_at_;
  std::chrono::milliseconds pause_ = first_pause;
  bool stopping_ = false;
  asio::posix::basic_stream_descriptor<executor> ended_;
  steady_timer pause_timer_;
};

embedded_redis::embedded_redis(asio::io_context& context, const settings& values)
    : keeper_(std::make_unique<keeper>(context, values)) {}
embedded_redis::~embedded_redis() {
  stop(redis_time);
}

outcome embedded_redis::start() {
  return keeper_->start();
}
const std::string& embedded_redis::socket_path() const {
  return keeper_->socket_path();
}
pid_t embedded_redis::pid() const {
  return keeper_->pid();
}
void embedded_redis::stop(milliseconds grace) {
  keeper_->stop(grace);
}

} // namespace jobcast::app
