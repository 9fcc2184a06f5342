#include "jobcast/base/survive.hpp"

#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <new>

using namespace jobcast;

TEST_CASE("a loop goes on whatever its handlers throw") {
  asio::io_context io{1};
  int ran = 0;
  asio::post(io, [] { throw std::bad_alloc(); });
  asio::post(io, [&] { ++ran; });
  asio::post(io, [] { throw 42; });
  asio::post(io, [&] { ++ran; });
  run_to_its_end(io);
  CHECK(ran == 2);
}

TEST_CASE("what is fatal ends the loop") {
  asio::io_context io{1};
  asio::post(io, [] { throw fatal("all clients would wait for ever"); });
  CHECK_THROWS_AS(run_to_its_end(io), fatal);
}

TEST_CASE("whoever asks is told whether anything was thrown") {
  CHECK(survive([] {}));
  CHECK_FALSE(survive([] { throw std::bad_alloc(); }));
}
