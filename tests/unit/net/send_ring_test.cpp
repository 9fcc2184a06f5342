#include "jobcast/net/send_ring.hpp"

#include <cerrno>
#include <doctest/doctest.h>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace jobcast::net;

namespace {

/// Where io_uring is forbidden there is nothing to test.
std::unique_ptr<send_ring> a_ring() {
  std::string why;
  auto ring = send_ring::make(why);
  if (!ring)
    MESSAGE("no io_uring here: " << why);
  return ring;
}

struct pair {
  pair() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }
  ~pair() {
    close(ends[0]);
    close(ends[1]);
  }
  std::string received() const {
    std::string out(1 << 20, '\0');
    ssize_t const n = recv(ends[1], out.data(), out.size(), MSG_DONTWAIT);
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }
  int ends[2];
};

struct sender : send_completion {
  void on_sent(ssize_t result) override {
    results.push_back(result);
    if (then)
      then();
  }
  std::vector<ssize_t> results;
  std::function<void()> then;
};

iovec piece(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size()};
}

} // namespace

TEST_CASE("sends of one piece and of several arrive, each on its socket") {
  auto const ring = a_ring();
  if (!ring)
    return;
  pair one, two;
  sender first, second;
  std::string const a = "alone", b = "to", c = "gether";
  iovec const single[] = {piece(a)}, several[] = {piece(b), piece(c)};
  ring->queue(one.ends[0], single, first);
  ring->queue(two.ends[0], several, second);
  CHECK(first.results.empty());
  ring->submit();
  CHECK(first.results == std::vector<ssize_t>{5});
  CHECK(second.results == std::vector<ssize_t>{8});
  CHECK(one.received() == "alone");
  CHECK(two.received() == "together");
  CHECK(ring->queued() == 0);
}

TEST_CASE("a full socket is said to be full, and no other send is held up by it") {
  auto const ring = a_ring();
  if (!ring)
    return;
  pair full, fine;
  sender to_full, to_fine;
  std::string const large(4 << 20, 'x'), small = "x";
  iovec const much[] = {piece(large)}, little[] = {piece(small)};
  ring->queue(full.ends[0], much, to_full);
  ring->queue(full.ends[0], much, to_full);
  ring->queue(fine.ends[0], little, to_fine);
  ring->submit();
  REQUIRE(to_full.results.size() == 2);
  CHECK(to_full.results[0] > 0);
  CHECK(to_full.results[0] < static_cast<ssize_t>(large.size()));
  CHECK(to_full.results[1] == -EAGAIN);
  CHECK(to_fine.results == std::vector<ssize_t>{1});
}

TEST_CASE("a peer that is gone, and a descriptor that is none, are errors of their own sends only") {
  auto const ring = a_ring();
  if (!ring)
    return;
  pair gone, fine;
  shutdown(gone.ends[1], SHUT_RDWR);
  sender to_gone, to_none, to_fine;
  std::string const text = "x";
  iovec const pieces[] = {piece(text)};
  ring->queue(gone.ends[0], pieces, to_gone);
  ring->queue(1'000'000, pieces, to_none);
  ring->queue(fine.ends[0], pieces, to_fine);
  ring->submit();
  CHECK(to_gone.results == std::vector<ssize_t>{-EPIPE});
  CHECK(to_none.results == std::vector<ssize_t>{-EBADF});
  CHECK(to_fine.results == std::vector<ssize_t>{1});
}

TEST_CASE("any number can be queued, and completions may queue more") {
  auto const ring = a_ring();
  if (!ring)
    return;
  pair p;
  sender s;
  std::string const text = "x", more = "yy";
  iovec const pieces[] = {piece(text)}, two[] = {piece(more), piece(text)};
  int again = 70;
  s.then = [&] {
    if (again-- > 0)
      ring->queue(p.ends[0], two, s);
  };
  for (int i = 0; i < 130; ++i)
    ring->queue(p.ends[0], pieces, s);
  ring->submit();
  CHECK(s.results.size() == 200);
  CHECK(p.received().size() == 130 + 3 * 70);
}
