// `jobcast serve`: wires everything and runs until SIGTERM or SIGINT.
#pragma once

#include "jobcast/base/settings.hpp"

#include <functional>

namespace jobcast::app {

/// Reads the settings again, for SIGHUP; nothing if they are not valid (said in the log).
using reload_settings = std::function<bool(settings&)>;

/// Blocks until the gateway has ended. Call from the main thread: the private Redis server dies with the thread that
/// started it. Answers the exit code: 0 after a drain, 1 if it could not start or go on.
int serve(const settings& config, const reload_settings& reload);

} // namespace jobcast::app
