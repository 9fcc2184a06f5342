// One configurable value: what it accepts, and how it is read from TOML or text and written back.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace jobcast::app {

using std::chrono::milliseconds;

/// A number of bytes, as opposed to a mere count.
struct byte_size {
  std::size_t* bytes;
};

/// Where a value goes; its type says how it is written.
using target = std::variant<std::string*, bool*, unsigned*, std::uint16_t*, std::size_t*, byte_size, milliseconds*,
                            double*, std::vector<std::string>*, std::vector<milliseconds>*>;

/// What a file or variable gave. `unusable` holds the name of a TOML type that no key takes.
struct unusable {
  std::string_view type;
};
using given_value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>, unusable>;

/// What a key accepts besides its type. Bounds are inclusive; of durations in milliseconds.
struct bounds {
  double min = 0;
  double max = std::numeric_limits<double>::infinity();
  std::span<const std::string_view> choices{};
  /// Judges text, or each element of a list: what to change, or nothing.
  std::optional<std::string> (*check)(std::string_view) = nullptr;
  bool secret = false; ///< never shown
};

/// "a duration such as \"60s\", from 1s to 1h"
std::string accepted(const target& where, const bounds& allowed);

/// Stores the value, or answers a clause to follow the key's name.
std::optional<std::string> assign(const target& where, const bounds& allowed, const given_value& value);

/// Reads a variable's text as the type that `where` has; text that is not of that type stays text for `assign` to
/// refuse.
given_value from_text(std::string_view text, const target& where);

/// The value as TOML: durations and sizes in their largest whole unit.
std::string to_toml(const target& where);

} // namespace jobcast::app
