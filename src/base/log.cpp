#include "jobcast/base/log.hpp"

#include "jobcast/base/printable.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace jobcast::log {

namespace {

spdlog::level::level_enum to_spdlog(level at) {
  switch (at) {
  case level::debug:
    return spdlog::level::debug;
  case level::info:
    return spdlog::level::info;
  case level::warning:
    return spdlog::level::warn;
  case level::error:
    return spdlog::level::err;
  }
  return spdlog::level::info;
}

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    spdlog::logger made("jobcast", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made.set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    made.flush_on(spdlog::level::debug);
    return made;
  }();
  return instance;
}

} // namespace

void set_level(level minimum) {
  logger().set_level(to_spdlog(minimum));
}

void write(level at, std::string_view line) {
  logger().log(to_spdlog(at), printable(line));
}

void unexpected(std::exception_ptr thrown) {
  if (!thrown)
    return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& what) {
    error("unexpected: {}", what.what());
  } catch (...) {
    error("unexpected: an exception of an unknown kind");
  }
}

} // namespace jobcast::log
