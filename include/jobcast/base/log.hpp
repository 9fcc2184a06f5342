// Log lines to stderr, one per event, formatted with {fmt}. Thread-safe. Never pass secrets or whole records.
// Control characters are written as escapes: text from outside cannot add a line to the log.
#pragma once

#include "jobcast/base/complaint_gate.hpp"

#include <exception>
#include <fmt/format.h>
#include <string_view>

namespace jobcast::log {

enum class level { debug, info, warning, error };

/// Lines below this are dropped. Set once at start-up.
void set_level(level minimum);
void write(level at, std::string_view line);
/// The same, and behind the line how many like it were kept back since the last one.
void write(level at, std::uint64_t kept_back, std::string_view line);
/// What a coroutine threw that nobody waits for, which would vanish otherwise. Nothing if it threw nothing. Never
/// throws, whatever that was, memory that is used up included; at most a line a second and thread.
void unexpected(std::exception_ptr thrown) noexcept;

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

// As above, unless the gate keeps the line back. This is the one brake for complaints: whatever a fault or a stranger
// can repeat at will goes through a gate.

template <class... Args>
void info(complaint_gate& gate, fmt::format_string<Args...> format, Args&&... args) {
  if (auto const kept_back = gate.admit(complaint_gate::clock::now()))
    write(level::info, *kept_back, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(complaint_gate& gate, fmt::format_string<Args...> format, Args&&... args) {
  if (auto const kept_back = gate.admit(complaint_gate::clock::now()))
    write(level::warning, *kept_back, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(complaint_gate& gate, fmt::format_string<Args...> format, Args&&... args) {
  if (auto const kept_back = gate.admit(complaint_gate::clock::now()))
    write(level::error, *kept_back, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace jobcast::log
