// The limit of the sockets API: the least a server can do to bring events from Redis to event streams. It reads pub/sub
// and calls send(); it keeps no record, gives no snapshot, sends no heartbeat, and gives up when a socket is full,
// which the load's window prevents. What jobcast adds to this is what its features cost.
//
//   bare_epoll PORT REDIS_PORT [join]
//
// With `join`, frames of one turn go out to a stream in one send.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct job {
  std::vector<int> streams;
  std::vector<int> waiting; ///< for the subscription
  std::string frames;       ///< of this turn, when joining
  bool subscribed = false;
};

struct hash : std::hash<std::string_view> {
  using is_transparent = void;
};

class server {
 public:
  server(int port, int redis_port, bool join)
      : join_(join) {
    listen_on(port);
    redis_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at = loopback(redis_port);
    if (connect(redis_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
      fail("redis");
    watch(redis_);
  }

  [[noreturn]] void run() {
    for (;;) {
      epoll_event events[512];
      int const n = epoll_wait(epoll_, events, 512, -1);
      for (int i = 0; i < n; ++i)
        if (int const fd = events[i].data.fd; fd == listener_)
          accept_all();
        else if (fd == redis_)
          read_redis();
        else
          read_request(fd);
      flush();
    }
  }

 private:
  static sockaddr_in loopback(int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    return at;
  }

  void listen_on(int port) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int const on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in at = loopback(port);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(listener_, 4096) != 0)
      fail("listen");
    watch(listener_);
  }

  void watch(int fd) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e);
  }

  void accept_all() {
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;)
      watch(fd);
  }

  // "GET /<job> HTTP/1.1": answered once the job's channel is subscribed.
  void read_request(int fd) {
    char bytes[4096];
    ssize_t const n = recv(fd, bytes, sizeof bytes, 0);
    std::string_view const text(bytes, n > 0 ? static_cast<std::size_t>(n) : 0);
    if (!text.starts_with("GET /"))
      return leave(fd);
    std::string const channel = "jobcast:event:" + std::string(text.substr(5, text.find(' ', 5) - 5));
    job& j = jobs_[channel];
    if (j.subscribed)
      return answer(j, fd);
    j.waiting.push_back(fd);
    if (j.waiting.size() == 1)
      to_redis_ += "*2\r\n$9\r\nSUBSCRIBE\r\n$" + std::to_string(channel.size()) + "\r\n" + channel + "\r\n";
  }

  void answer(job& j, int fd) {
    put(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\nretry: 2000\n\n");
    j.streams.push_back(fd);
    if (job_of_.size() <= static_cast<std::size_t>(fd))
      job_of_.resize(static_cast<std::size_t>(fd) + 1);
    job_of_[static_cast<std::size_t>(fd)] = &j;
  }

  void leave(int fd) {
    close(fd);
    if (job_of_.size() > static_cast<std::size_t>(fd) && job_of_[static_cast<std::size_t>(fd)])
      std::erase(std::exchange(job_of_[static_cast<std::size_t>(fd)], nullptr)->streams, fd);
  }

  static void put(int fd, std::string_view bytes) {
    if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(bytes.size()) &&
        errno == EAGAIN)
      fail("a stream is full");
  }

  void read_redis() {
    char bytes[65'536];
    ssize_t const n = recv(redis_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n <= 0)
      fail("redis");
    from_redis_.append(bytes, static_cast<std::size_t>(n));
    std::string_view rest = from_redis_;
    // Every push is an array of three: the kind, the channel, and a text or a number.
    for (std::string_view at = rest, kind, channel, last; next(at, kind) && next(at, channel) && next(at, last);
         rest = at)
      on_push(kind, channel, last);
    from_redis_.erase(0, from_redis_.size() - rest.size());
  }

  // The next string or number, array heads passed over. False: it has not wholly come.
  static bool next(std::string_view& at, std::string_view& value) {
    auto end = at.find("\r\n");
    if (end != at.npos && at.front() == '*') {
      at.remove_prefix(end + 2);
      end = at.find("\r\n");
    }
    if (end == at.npos)
      return false;
    if (at.front() == ':') {
      at.remove_prefix(end + 2);
      return true;
    }
    auto const size = static_cast<std::size_t>(std::atoi(at.data() + 1));
    if (at.size() < end + 2 + size + 2)
      return false;
    value = at.substr(end + 2, size);
    at.remove_prefix(end + 2 + size + 2);
    return true;
  }

  void on_push(std::string_view kind, std::string_view channel, std::string_view last) {
    auto const found = jobs_.find(channel);
    if (found == jobs_.end())
      return;
    job& j = found->second;
    if (kind == "subscribe") {
      j.subscribed = true;
      for (int fd : std::exchange(j.waiting, {}))
        answer(j, fd);
    } else if (kind == "message") {
      publish(j, last);
    }
  }

  // "<version> <flags> <record>"
  void publish(job& j, std::string_view message) {
    auto const version = message.substr(0, message.find(' '));
    std::string& frame = join_ ? j.frames : frame_;
    if (!join_)
      frame.clear();
    else if (frame.empty())
      dirty_.push_back(&j);
    frame.append("id: ").append(version).append("\nevent: job\ndata: ");
    frame.append(message.substr(message.find(' ', version.size() + 1) + 1)).append("\n\n");
    if (!join_)
      for (int fd : j.streams)
        put(fd, frame);
  }

  void flush() {
    for (job* j : dirty_) {
      for (int fd : j->streams)
        put(fd, j->frames);
      j->frames.clear();
    }
    dirty_.clear();
    if (!to_redis_.empty() && write(redis_, to_redis_.data(), to_redis_.size()) < 0)
      fail("redis");
    to_redis_.clear();
  }

  bool join_;
  int epoll_ = epoll_create1(0), listener_ = -1, redis_ = -1;
  std::unordered_map<std::string, job, hash, std::equal_to<>> jobs_;
  std::vector<job*> job_of_; ///< by descriptor
  std::vector<job*> dirty_;
  std::string from_redis_, to_redis_, frame_;
};

} // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: bare_epoll PORT REDIS_PORT [join]\n");
    return 2;
  }
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  server(std::atoi(arguments[1]), std::atoi(arguments[2]), count > 3).run();
}
