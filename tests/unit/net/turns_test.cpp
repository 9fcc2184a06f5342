#include "jobcast/net/turns.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <string>

using namespace jobcast;

namespace {

task<> take(net::turns& from, std::string& log, char name) {
  co_await from.take();
  log += name;
}

void unharmed(std::exception_ptr thrown) {
  CHECK_FALSE(thrown);
}

} // namespace

TEST_CASE("of those who come together one goes on each turn of the loop, in order, and others have theirs between") {
  asio::io_context io{1};
  net::turns turns(io.get_executor());
  std::string log;
  for (char const name : {'a', 'b', 'c', 'd'})
    asio::co_spawn(io, take(turns, log, name), unharmed);
  // Something else that has work in every turn.
  struct other {
    asio::io_context& io;
    std::string& log;
    void operator()(int left) const {
      log += '.';
      if (left > 1)
        asio::post(io, [self = *this, left] { self(left - 1); });
    }
  };
  asio::post(io, [&] { other{io, log}(6); });
  io.run();
  CHECK(log.find("ab") == std::string::npos);
  CHECK(log.find("bc") == std::string::npos);
  CHECK(log.find("cd") == std::string::npos);
  std::erase(log, '.');
  CHECK(log == "abcd");
}

TEST_CASE("who comes alone need not wait, time and again") {
  asio::io_context io{1};
  net::turns turns(io.get_executor());
  std::string log;
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(io, take(turns, log, 'a'), unharmed);
    io.run();
    io.restart();
  }
  CHECK(log == "aaa");
}

TEST_CASE("those who still wait at the end are let go") {
  asio::io_context io{1};
  std::string log;
  {
    net::turns turns(io.get_executor());
    for (char const name : {'a', 'b', 'c'})
      asio::co_spawn(io, take(turns, log, name), unharmed);
    io.run_one();
    io.stop();
  }
  CHECK(log.size() <= 1);
}
