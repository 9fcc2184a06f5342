// Runs an io_context until something has happened, or for so long that it never will.
#pragma once

#include "jobcast/base/asio.hpp"

#include <chrono>

namespace jobcast::test {

template <class Condition>
bool run_until(asio::io_context& io, Condition&& condition,
               std::chrono::milliseconds limit = std::chrono::milliseconds(20'000)) {
  auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    io.restart();
    io.run_one_for(std::chrono::milliseconds(50));
  }
  return true;
}

/// Everything that is ready now.
inline void run_ready(asio::io_context& io) {
  io.restart();
  io.poll();
}

} // namespace jobcast::test
