#include "jobcast/base/log.hpp"

#include "jobcast/base/printable.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

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

void write(level at, std::uint64_t kept_back, std::string_view line) {
  write(at, kept_back == 0 ? std::string(line) : fmt::format("{} ({} more since the last line)", line, kept_back));
}

// What is logged may be that there is no memory left, so that logging it fails too.
void unexpected(std::exception_ptr thrown) noexcept {
  if (!thrown)
    return;
  static thread_local complaint_gate complaints(std::chrono::seconds(1));
  try {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& what) {
      error(complaints, "unexpected: {}", what.what());
    } catch (...) {
      error(complaints, "unexpected: an exception of an unknown kind");
    }
  } catch (...) {
    constexpr std::string_view last_word = "jobcast: an exception could not be logged\n";
    [[maybe_unused]] auto const written = ::write(STDERR_FILENO, last_word.data(), last_word.size());
  }
}

} // namespace jobcast::log
