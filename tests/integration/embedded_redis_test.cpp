#include "jobcast/app/embedded_redis.hpp"

#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <functional>
#include <hiredis/hiredis.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace jobcast;
using namespace std::chrono_literals;
using jobcast::app::embedded_redis;

namespace {

/// A folder that is gone afterwards.
class temporary_folder {
 public:
  temporary_folder() {
    char name[] = "/tmp/jobcast-test-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~temporary_folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// An open listener of another program on a free loopback port.
struct neighbour {
  asio::io_context context;
  tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
  std::uint16_t port() { return acceptor.local_endpoint().port(); }
};

std::uint16_t free_port() {
  return neighbour().port();
}

settings with(const std::string& data_dir, std::uint16_t port = 0) {
  settings values;
  values.server.data_dir = data_dir;
  values.redis.embedded_port = port;
  return values;
}

void check_started(embedded_redis& redis) {
  if (const auto started = redis.start(); !started)
    FAIL(started.error());
}

std::string problem_of(embedded_redis& redis) {
  const auto started = redis.start();
  return started ? "" : started.error();
}

/// The reply of one command as text; empty if there was none.
std::string ask(redisContext* connection, std::initializer_list<const char*> command) {
  std::vector<const char*> words(command);
  std::string text;
  if (connection && connection->err == 0) {
    auto* reply =
        static_cast<redisReply*>(redisCommandArgv(connection, static_cast<int>(words.size()), words.data(), nullptr));
    if (reply && reply->str)
      text.assign(reply->str, static_cast<std::size_t>(reply->len));
    freeReplyObject(reply);
  }
  redisFree(connection);
  return text;
}
std::string ask(const embedded_redis& redis, std::initializer_list<const char*> command) {
  return ask(redisConnectUnix(redis.socket_path().c_str()), command);
}

/// Runs the context until the condition holds; false if it has not within 15 s.
bool runs_until(asio::io_context& context, const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + 15s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    context.restart();
    context.run_one_for(20ms);
  }
  return true;
}

} // namespace

TEST_CASE("without redis.url a private Redis answers on its socket and, for workers, on its port") {
  temporary_folder folder;
  asio::io_context context;
  const auto port = free_port();
  embedded_redis redis(context, with(folder / "data", port));
  check_started(redis);
  CHECK(redis.pid() > 0);
  CHECK(redis.socket_path() == folder / "data/redis/redis.sock");
  CHECK(ask(redis, {"PING"}) == "PONG");
  CHECK(ask(redisConnect("127.0.0.1", port), {"PING"}) == "PONG");
  CHECK(std::filesystem::exists(folder / "data/redis/redis.log"));
}

TEST_CASE("the private Redis is for its user alone") {
  using std::filesystem::perms;
  temporary_folder folder;
  asio::io_context context;
  embedded_redis redis(context, with(folder / "data"));
  check_started(redis);
  for (const auto name : {"data", "data/redis", "data/redis/redis.sock"})
    CHECK((std::filesystem::status(folder / name).permissions() & (perms::group_all | perms::others_all)) ==
          perms::none);
}

TEST_CASE("what was stored is there after a stop and a start") {
  temporary_folder folder;
  asio::io_context context;
  {
    embedded_redis redis(context, with(folder / "data"));
    check_started(redis);
    CHECK(ask(redis, {"SET", "job", "stored"}) == "OK");
    redis.stop();
    CHECK(redis.pid() == -1);
    CHECK(ask(redis, {"PING"}).empty());
  }
  embedded_redis redis(context, with(folder / "data"));
  check_started(redis);
  CHECK(ask(redis, {"GET", "job"}) == "stored");
}

TEST_CASE("a second gateway on the same data folder is refused") {
  temporary_folder folder;
  asio::io_context context;
  embedded_redis first(context, with(folder / "data")), second(context, with(folder / "data"));
  check_started(first);
  CHECK(problem_of(second) ==
        "another gateway uses " + folder / "data" + "; stop it, or set server.data_dir to another folder");
  CHECK(ask(first, {"PING"}) == "PONG");
}

TEST_CASE("a port in use is an error and not a neighbour to talk to") {
  temporary_folder folder;
  asio::io_context context;
  neighbour other;
  embedded_redis redis(context, with(folder / "data", other.port()));
  CHECK(problem_of(redis).find("is in use by another program") != std::string::npos);
  CHECK(redis.pid() == -1);
}

TEST_CASE("a Redis of somebody else on the port is an error too") {
  temporary_folder folder;
  asio::io_context context;
  const auto port = free_port();
  embedded_redis first(context, with(folder / "first", port)), second(context, with(folder / "second", port));
  check_started(first);
  CHECK(problem_of(second).find("is in use by another program") != std::string::npos);
}

TEST_CASE("a data folder too deep for a unix socket gets one elsewhere, the same each time") {
  temporary_folder folder;
  asio::io_context context;
  const auto deep = folder / std::string(120, 'd');
  std::string path;
  for (int i = 0; i < 2; ++i) {
    embedded_redis redis(context, with(deep));
    check_started(redis);
    CHECK(redis.socket_path().size() <= 107);
    CHECK(ask(redis, {"PING"}) == "PONG");
    CHECK((i == 0 || path == redis.socket_path()));
    path = redis.socket_path();
  }
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

TEST_CASE("a data folder that cannot be made is an error that names it") {
  temporary_folder folder;
  asio::io_context context;
  embedded_redis redis(context, with("/proc/jobcast"));
  CHECK(problem_of(redis).starts_with("/proc/jobcast cannot be used"));
}

TEST_CASE("without redis-server installed the error says how to install it") {
  temporary_folder folder;
  asio::io_context context;
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  embedded_redis redis(context, with(folder / "data"));
  const auto problem = problem_of(redis);
  ::setenv("PATH", before.c_str(), 1);
  CHECK(problem.find("apt-get install redis-server") != std::string::npos);
}

TEST_CASE("a redis-server that cannot start is an error that quotes its log") {
  temporary_folder folder;
  asio::io_context context;
  std::filesystem::create_directories(folder / "data/redis/appendonlydir/appendonly.aof.manifest");
  embedded_redis redis(context, with(folder / "data"));
  CHECK(problem_of(redis).starts_with("redis-server ended with exit status 1: "));
}

TEST_CASE("a redis-server that dies is started again") {
  temporary_folder folder;
  asio::io_context context;
  embedded_redis redis(context, with(folder / "data"));
  check_started(redis);
  for (int i = 0; i < 2; ++i) {
    const auto before = redis.pid();
    ::kill(before, SIGKILL);
    CHECK(runs_until(context, [&] { return redis.pid() > 0 && redis.pid() != before; }));
    CHECK(runs_until(context, [&] { return ask(redis, {"PING"}) == "PONG"; }));
  }
}

TEST_CASE("a redis-server that does not end when asked is killed") {
  temporary_folder folder;
  asio::io_context context;
  embedded_redis redis(context, with(folder / "data"));
  check_started(redis);
  ::kill(redis.pid(), SIGSTOP);
  redis.stop(50ms);
  CHECK(redis.pid() == -1);
}

TEST_CASE("the redis-server of a killed gateway ends, with its data flushed") {
  temporary_folder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t gateway = ::fork();
  if (gateway == 0) {
    asio::io_context context;
    embedded_redis redis(context, with(folder / "data"));
    const bool stored = redis.start() && ask(redis, {"SET", "job", "stored"}) == "OK";
    [[maybe_unused]] const auto written = ::write(ready[1], stored ? "+" : "-", 1);
    ::pause();
  }
  char told = 0;
  REQUIRE(::read(ready[0], &told, 1) == 1);
  CHECK(told == '+');
  ::kill(gateway, SIGKILL);
  ::waitpid(gateway, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);

  asio::io_context context;
  embedded_redis successor(context, with(folder / "data"));
  check_started(successor); // it waits for the lock that the orphan holds until it has ended
  CHECK(ask(successor, {"GET", "job"}) == "stored");
}

TEST_CASE("descriptors of the gateway are not passed on") {
  temporary_folder folder;
  asio::io_context context;
  neighbour viewer;
  embedded_redis redis(context, with(folder / "data"));
  check_started(redis);
  const auto port = viewer.port();
  viewer.acceptor.close();
  CHECK_NOTHROW(tcp::acceptor(context, {asio::ip::address_v4::loopback(), port}));
}
