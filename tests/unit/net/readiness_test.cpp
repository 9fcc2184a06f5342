#include "jobcast/net/client_socket.hpp"

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>
#include <exception>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace jobcast;
using net::direction;

namespace {

// A socket of a client, and its other end.
class line {
 public:
  explicit line(asio::io_context& io)
      : line(io, make_pair()) {}
  ~line() { hang_up(); }
  line(const line&) = delete;

  void say(std::string_view bytes) const {
    REQUIRE(::send(peer_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
  std::string heard() const {
    char bytes[4096];
    auto const n = ::recv(peer_, bytes, sizeof bytes, MSG_DONTWAIT);
    return n > 0 ? std::string(bytes, static_cast<std::size_t>(n)) : std::string();
  }
  void hang_up() {
    if (peer_ >= 0)
      ::close(std::exchange(peer_, -1));
  }

 private:
  struct ends {
    int ours, theirs;
  };
  static ends make_pair() {
    int made[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, made) == 0);
    return {made[0], made[1]};
  }
  line(asio::io_context& io, ends e)
      : peer_(e.theirs)
      , socket(e.ours, asio::use_service<net::readiness>(io)) {}

  int peer_;

 public:
  net::client_socket socket;
};

struct note_taker final : net::socket_waiter {
  void on_ready(direction which, error_code ec) override {
    told += ec ? 'x' : which == direction::read ? 'r' : 'w';
    if (then)
      then();
  }
  void on_forgotten() override { told += 'f'; }
  std::string told;
  std::function<void()> then;
};

std::string read_from(net::client_socket& socket, std::size_t most = 100) {
  std::string bytes(most, '\0');
  error_code ec;
  bytes.resize(socket.read_some(bytes.data(), most, ec));
  return ec == asio::error::would_block ? "nothing" : ec ? "error" : bytes.empty() ? "end" : bytes;
}

void rethrow(std::exception_ptr e) {
  if (e)
    std::rethrow_exception(e);
}

// What is posted may cause more.
void settle(asio::io_context& io) {
  while (io.poll() > 0)
    ;
}

} // namespace

TEST_CASE("who waits to read is told once that bytes have come") {
  asio::io_context io;
  line l(io);
  note_taker who;
  l.socket.wait(direction::read, who);
  settle(io);
  CHECK(who.told.empty());
  l.say("hello");
  settle(io);
  CHECK(who.told == "r");
  CHECK(read_from(l.socket) == "hello");
  l.say("again");
  settle(io);
  CHECK(who.told == "r");
}

TEST_CASE("bytes that came before the wait, or were left by a read, are told of as well") {
  asio::io_context io;
  line l(io);
  note_taker who;
  l.say("hello");
  settle(io);
  l.socket.wait(direction::read, who);
  CHECK(who.told.empty()); // not within the call
  settle(io);
  CHECK(who.told == "r");
  CHECK(read_from(l.socket, 2) == "he");
  l.socket.wait(direction::read, who);
  settle(io);
  CHECK(who.told == "rr");
  CHECK(read_from(l.socket) == "llo");
  l.socket.wait(direction::read, who);
  settle(io);
  CHECK(who.told == "rr");
}

TEST_CASE("the peer's end is told of although its last bytes were read") {
  asio::io_context io;
  line l(io);
  note_taker who;
  l.say("bye");
  l.hang_up();
  l.socket.wait(direction::read, who);
  settle(io);
  CHECK(read_from(l.socket) == "bye");
  l.socket.wait(direction::read, who);
  settle(io);
  CHECK(who.told == "rr");
  CHECK(read_from(l.socket) == "end");
}

TEST_CASE("who waits to write is told once the peer has read") {
  asio::io_context io;
  line l(io);
  note_taker who;
  std::string const much(100'000, 'x');
  iovec const piece{const_cast<char*>(much.data()), much.size()};
  error_code ec;
  while (!ec)
    l.socket.write_some(&piece, 1, ec);
  CHECK(ec == asio::error::would_block);
  for (int round = 1; round <= 2; ++round) {
    l.socket.wait(direction::write, who);
    settle(io);
    CHECK(who.told.size() == static_cast<std::size_t>(round - 1));
    while (!l.heard().empty())
      ;
    settle(io);
    CHECK(who.told.size() == static_cast<std::size_t>(round));
    for (ec = {}; !ec;)
      l.socket.write_some(&piece, 1, ec);
  }
  CHECK(who.told == "ww");
}

TEST_CASE("a wait that is cancelled ends with an error, one of a socket that was closed untold with nothing") {
  asio::io_context io;
  line cancelled(io), closed(io);
  note_taker first, second;
  cancelled.socket.wait(direction::read, first);
  closed.socket.wait(direction::read, second);
  cancelled.socket.cancel();
  closed.socket.close_untold();
  CHECK(first.told.empty());
  settle(io);
  CHECK(first.told == "x");
  CHECK(second.told.empty());
  closed.socket.wait(direction::read, second);
  settle(io);
  CHECK(second.told == "x");
}

TEST_CASE("a coroutine that reads from a socket is ended when it is closed") {
  asio::io_context io;
  line l(io);
  error_code ec;
  std::string got = "nothing yet";
  asio::co_spawn(
      io,
      [&]() -> task<> {
        char bytes[100];
        std::size_t const n = co_await l.socket.read(bytes, sizeof bytes, ec);
        got.assign(bytes, n);
        co_await l.socket.read(bytes, sizeof bytes, ec);
      },
      rethrow);
  settle(io);
  l.say("hello");
  settle(io);
  CHECK(got == "hello");
  CHECK_FALSE(ec);
  l.socket.close();
  settle(io);
  CHECK(ec == asio::error::operation_aborted);
}

TEST_CASE("what is behind urgent data is told of, although a read stops there") {
  asio::io_context io;
  int const listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* const address = reinterpret_cast<sockaddr*>(&at);
  REQUIRE(::bind(listening, address, size) == 0);
  REQUIRE(::listen(listening, 1) == 0);
  REQUIRE(::getsockname(listening, address, &size) == 0);
  int const peer = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(::connect(peer, address, size) == 0);
  net::client_socket socket(::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK),
                            asio::use_service<net::readiness>(io));
  note_taker who;
  socket.wait(direction::read, who);
  REQUIRE(::send(peer, "before", 6, 0) == 6);
  REQUIRE(::send(peer, "!", 1, MSG_OOB) == 1);
  REQUIRE(::send(peer, "behind", 6, 0) == 6);
  settle(io);
  CHECK(read_from(socket) == "before");
  socket.wait(direction::read, who);
  settle(io);
  CHECK(who.told == "rr");
  CHECK(read_from(socket) == "behind");
  CHECK(read_from(socket) == "nothing");
  socket.wait(direction::read, who);
  settle(io);
  CHECK(who.told == "rr");
  ::close(peer);
  ::close(listening);
}

TEST_CASE("more sockets than are looked at in a turn are told of in the next") {
  asio::io_context io;
  note_taker who;
  std::vector<std::unique_ptr<line>> lines;
  for (int i = 0; i < 400; ++i) {
    lines.push_back(std::make_unique<line>(io));
    lines.back()->socket.wait(direction::read, who);
    lines.back()->say("1");
  }
  settle(io);
  CHECK(who.told == std::string(400, 'r'));
}

TEST_CASE("an event of a closed socket does not reach the next of its number for more than a try") {
  asio::io_context io;
  line first(io), second(io);
  note_taker who, other;
  std::optional<line> next;
  int const number = second.socket.native_handle();
  // Both are in one batch of events; the first to be told closes the other.
  who.then = [&] {
    second.socket.close_untold();
    next.emplace(io);
    next->socket.wait(direction::read, other);
  };
  first.socket.wait(direction::read, who);
  first.say("1");
  second.say("2");
  settle(io);
  CHECK(who.told == "r");
  REQUIRE(next->socket.native_handle() == number);
  if (other.told == "r") {
    CHECK(read_from(next->socket) == "nothing");
  }
}

TEST_CASE("who still waits when the loop goes is forgotten, and what was retired is let go") {
  note_taker who, retired;
  auto const kept = std::make_shared<int>(0);
  std::weak_ptr<int> const frame = kept;
  {
    asio::io_context io;
    auto l = std::make_unique<line>(io);
    l->socket.wait(direction::read, who);
    l->socket.retire(retired);
    auto coroutine = [](std::unique_ptr<line> of, std::shared_ptr<int>) -> task<> {
      char bytes[1];
      error_code ec;
      co_await of->socket.read(bytes, 1, ec);
    };
    asio::co_spawn(io, coroutine(std::make_unique<line>(io), kept), rethrow);
    CHECK(retired.told.empty()); // not within the call
    settle(io);
    CHECK(retired.told == "f");
    CHECK(frame.use_count() == 2);
    asio::use_service<net::readiness>(io).shutdown();
    CHECK(who.told == "f");
    settle(io); // coroutines are unwound by the loop
    CHECK(frame.use_count() == 1);
  }
}

namespace {

struct end_taker final : net::end_listener {
  void on_peer_end() override { ++told; }
  int told = 0;
};

} // namespace

TEST_CASE("the end of a peer is told before what it sent is read, and once") {
  asio::io_context io;
  line client(io);
  end_taker heard;
  client.socket.listen_for_end(&heard);
  client.say("more");
  settle(io);
  CHECK(heard.told == 0);
  CHECK_FALSE(client.socket.peer_ended());
  client.hang_up();
  settle(io);
  CHECK(heard.told == 1);
  CHECK(client.socket.peer_ended());
  CHECK(read_from(client.socket) == "more");
  CHECK(read_from(client.socket) == "end");
}

TEST_CASE("who does not listen any more is not told of a peer's end, which is still known") {
  asio::io_context io;
  line client(io);
  end_taker heard;
  client.socket.listen_for_end(&heard);
  client.socket.listen_for_end(nullptr);
  client.hang_up();
  settle(io);
  CHECK(heard.told == 0);
  CHECK(client.socket.peer_ended());
}

TEST_CASE("the next socket of a number is not taken for ended") {
  asio::io_context io;
  int number = -1;
  {
    line first(io);
    number = first.socket.native_handle();
    first.hang_up();
    settle(io);
    CHECK(first.socket.peer_ended());
    first.socket.close();
    CHECK(first.socket.peer_ended());
  }
  line second(io);
  CHECK(second.socket.native_handle() == number);
  CHECK_FALSE(second.socket.peer_ended());
}

TEST_CASE("the send buffer of a socket is limited when that is asked for") {
  asio::io_context io;
  line client(io);
  auto const size = [&] {
    int bytes = 0;
    socklen_t length = sizeof bytes;
    REQUIRE(::getsockopt(client.socket.native_handle(), SOL_SOCKET, SO_SNDBUF, &bytes, &length) == 0);
    return bytes;
  };
  int const before = size();
  client.socket.limit_send_buffer(16 * 1024);
  CHECK(size() == 2 * 16 * 1024); // the kernel doubles it for its own needs
  CHECK(size() < before);
  client.socket.close();
  client.socket.limit_send_buffer(16 * 1024);
}
