// Log lines to stderr, one per event, formatted with {fmt}. Thread-safe. Never pass secrets or whole records.
// Control characters are written as escapes: text from outside cannot add a line to the log.
#pragma once

#include <exception>
#include <fmt/format.h>
#include <string_view>

namespace jobcast::log {

enum class level { debug, info, warning, error };

/// Lines below this are dropped. Set once at start-up.
void set_level(level minimum);
void write(level at, std::string_view line);
/// What a coroutine threw that nobody waits for, which would vanish otherwise. Nothing if it threw nothing.
void unexpected(std::exception_ptr thrown);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(level::error, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace jobcast::log
