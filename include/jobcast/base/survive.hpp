// Keeps one exception from ending a whole loop.
//
// The problem: a handler of the loop that throws ends io_context::run(), and with it a thousand streams; and one that
// is to arm its own successor never does. A bad_alloc can come from anywhere.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/base/log.hpp"

#include <stdexcept>
#include <utility>

namespace jobcast {

/// Ends the loop that it is thrown in: going on would be worse.
struct fatal : std::runtime_error {
  using runtime_error::runtime_error;
};

/// Calls `body`, and logs what it throws, but for `fatal`. Returns true if it threw nothing.
template <class Body>
bool survive(Body&& body) {
  try {
    std::forward<Body>(body)();
    return true;
  } catch (const fatal&) {
    throw;
  } catch (...) {
    log::unexpected(std::current_exception());
    return false;
  }
}

/// Runs the loop until it has no work or is stopped, whatever its handlers throw. Throws `fatal`.
inline void run_to_its_end(asio::io_context& io) {
  while (!survive([&io] { io.run(); })) {
  }
}

} // namespace jobcast
