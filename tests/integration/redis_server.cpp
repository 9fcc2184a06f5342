#include "redis_server.hpp"

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <hiredis/hiredis.h>
#include <memory>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace jobcast::test {

namespace {

std::uint16_t free_port() {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  bool fine = ::bind(fd, reinterpret_cast<sockaddr*>(&where), size) == 0 &&
              ::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size) == 0;
  ::close(fd);
  if (!fine)
    throw std::runtime_error("no free port");
  return ntohs(where.sin_port);
}

} // namespace

redis_server::folder::folder()
    : path((std::filesystem::temp_directory_path() / "jobcast-redis-XXXXXX").string()) {
  if (!::mkdtemp(path.data()))
    throw std::runtime_error("cannot make a temporary folder");
}

redis_server::folder::~folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

redis_server::redis_server(std::vector<std::string> extra)
    : extra_(std::move(extra))
    , port_(free_port()) {
  start();
}

redis_server::~redis_server() {
  kill();
}

void redis_server::start() {
  std::vector<std::string> arguments{
      "redis-server",       "--port", std::to_string(port_), "--bind", "127.0.0.1", "--unixsocket",
      unix_socket().path,   "--dir",  folder_.path,          "--save", "",          "--logfile",
      folder_.path + "/log"};
  arguments.insert(arguments.end(), extra_.begin(), extra_.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments)
    argv.push_back(argument.data());
  argv.push_back(nullptr);

  pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    // A test that crashes must not leave its server behind.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent)
      ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!answers()) {
    bool ended = ::waitpid(pid_, nullptr, WNOHANG) != 0;
    if (ended)
      pid_ = -1;
    if (ended || std::chrono::steady_clock::now() > deadline) {
      kill();
      throw std::runtime_error("redis-server does not start; is it installed?");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void redis_server::kill() {
  if (pid_ < 0)
    return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void redis_server::pause() {
  ::kill(pid_, SIGSTOP);
}
void redis_server::resume() {
  ::kill(pid_, SIGCONT);
}

redis::address redis_server::unix_socket() const {
  redis::address where;
  where.how = redis::address::kind::unix_socket;
  where.path = folder_.path + "/redis.sock";
  return where;
}

redis::address redis_server::tcp() const {
  redis::address where;
  where.port = port_;
  return where;
}

bool redis_server::answers() const {
  std::unique_ptr<redisContext, decltype(&redisFree)> context(redisConnectUnix(unix_socket().path.c_str()), redisFree);
  if (!context || context->err)
    return false;
  std::unique_ptr<void, decltype(&freeReplyObject)> reply(redisCommand(context.get(), "PING"), freeReplyObject);
  return reply != nullptr;
}

} // namespace jobcast::test
