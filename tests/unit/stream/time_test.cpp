// Streams over socket pairs, with a wheel that the test turns.
#include "../hub/fake_backend.hpp"
#include "jobcast/stream/sse.hpp"
#include "jobcast/stream/ws.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace jobcast;
using namespace std::chrono_literals;

namespace {

struct streams : testing::hub_fixture {
  asio::io_context loop{1};
  timing_wheel::clock::time_point now = timing_wheel::clock::now();
  timing_wheel wheel{now};
  net::admission admission{limits};
  stream::host host{hub, wheel, limits, counters, admission};
  std::vector<int> clients;

  ~streams() {
    hub.abort_all();
    for (int fd : clients)
      close(fd);
    loop.poll();
  }

  net::client_socket connect() {
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    clients.push_back(ends[1]);
    return net::client_socket(ends[0], asio::use_service<net::readiness>(loop));
  }
  int open_sse(bool single = true, bool chunked = true) {
    hub::watch_request asked;
    asked.jobs.push_back("a");
    asked.single = single;
    asked.chunked = chunked;
    stream::open_sse(connect(), host, std::move(asked));
    hub.on_subscribed("ns:event:a");
    hub.flush();
    return clients.back();
  }
  int open_websocket(auth::identity_ptr who = nullptr) {
    stream::open_websocket(connect(), host, "HTTP/1.1 101 Switching Protocols\r\n\r\n", std::move(who),
                           asio::ip::address_v4::loopback());
    return clients.back();
  }
  static std::string read(int fd) {
    std::string all(65'536, '\0');
    ssize_t const n = recv(fd, all.data(), all.size(), MSG_DONTWAIT);
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }
  void pass(milliseconds span) {
    for (auto const until = now + span; now < until;) {
      now += 100ms;
      wheel.advance(now);
    }
  }
};

std::size_t times_in(std::string_view bytes, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = bytes.find(what, at)) != std::string_view::npos; ++at)
    ++found;
  return found;
}

} // namespace

TEST_CASE_FIXTURE(streams, "an event stream begins with the time, and tells it each minute") {
  for (bool const chunked : {true, false}) {
    int const fd = open_sse(true, chunked);
    answer_read("a", 1);
    std::string const begun = read(fd);
    CHECK(begun.find("event: time\ndata: {\"now\":") < begun.find("event: job"));
    CHECK(times_in(begun, "event: time") == 1);
    pass(52s);
    CHECK(times_in(read(fd), "event: time") == 0);
    pass(9s);
    CHECK(times_in(read(fd), "event: time") == 1);
    pass(10min);
    CHECK(times_in(read(fd), "event: time") == 10);
  }
}

TEST_CASE_FIXTURE(streams, "the time stands in for a heartbeat, and comes without an id") {
  int const fd = open_sse(false);
  answer_read("a", 1);
  read(fd);
  pass(61s);
  std::string const idle = read(fd);
  CHECK(times_in(idle, "event: time") == 1);
  CHECK(times_in(idle, ":\n\n") <= 4);
  CHECK(times_in(idle, "id:") == 0);
}

TEST_CASE_FIXTURE(streams, "streams that are told the time in one tick are told it in the same bytes") {
  auto const first = host.time_now();
  CHECK(host.time_now() == first);
  pass(100ms);
  CHECK(host.time_now() != first);
}

TEST_CASE_FIXTURE(streams, "a stream that has nothing to say yet is not begun by the time") {
  int const fd = open_sse();
  pass(3min);
  CHECK(read(fd).empty());
  answer_read("a", 1);
  CHECK(times_in(read(fd), "event: time") == 1);
}

TEST_CASE_FIXTURE(streams, "a heartbeat longer than a minute is when the time is told") {
  limits.heartbeat = 5min;
  int const fd = open_sse();
  answer_read("a", 1);
  read(fd);
  pass(20min);
  CHECK(times_in(read(fd), "event: time") == 8);
}

TEST_CASE_FIXTURE(streams, "a WebSocket begins with the time, and tells it each minute") {
  limits.heartbeat = 60s; // whose pings nobody answers here
  int const fd = open_websocket();
  CHECK(times_in(read(fd), R"({"event":"time","now":)") == 1);
  pass(61s);
  CHECK(times_in(read(fd), R"({"event":"time","now":)") == 1);
}

TEST_CASE_FIXTURE(streams, "a WebSocket that is nobody's yet is not told the time") {
  int const fd = open_websocket(stream::awaits_auth(now_ms()));
  CHECK(times_in(read(fd), "time") == 0);
}

TEST_CASE_FIXTURE(streams, "the time is Redis'") {
  host.clock.set(1'000'000'000'000, redis_clock::steady::now(), redis_clock::steady::now());
  int const fd = open_websocket();
  CHECK(times_in(read(fd), R"({"event":"time","now":1000000000)") == 1);
}

TEST_CASE_FIXTURE(streams, "an event id of later than Redis' time is an unknown one, which gets everything") {
  host.clock.set(10'000'000, redis_clock::steady::now(), redis_clock::steady::now());
  auto const outcomes_sent = [&](std::string last_event_id) {
    hub::watch_request asked;
    asked.jobs.push_back("a");
    asked.last_event_id = std::move(last_event_id);
    stream::open_sse(connect(), host, std::move(asked));
    hub.on_subscribed("ns:event:a");
    hub.flush();
    hub.on_record("a", 1, true, R"({"id":"a","version":1,"updated_at":5000000,"status":"done"})");
    hub.flush();
    return times_in(read(clients.back()), "event: job");
  };
  CHECK(outcomes_sent("7000000-1") == 0);
  CHECK(outcomes_sent("5000500-1") == 1); // within limits.resume_overlap
  for (const char* ahead : {"10005000-1", "13600000-1", "9223372036854775807-1"})
    CHECK_MESSAGE(outcomes_sent(ahead) == 1, ahead);
}
