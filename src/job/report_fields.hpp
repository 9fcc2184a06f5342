// What each member of a report or create request may hold, and the name the Redis functions know it by.
#pragma once

#include <string>
#include <string_view>

namespace jobcast::job {

/// What can stand behind a name and still be expressed as one text argument.
enum class takes {
  text,   ///< a string
  scalar, ///< a string, number or boolean; the function judges its value
  raw,    ///< any JSON, kept byte for byte
  members ///< an object whose members are pairs of their own
};

struct field_rule {
  std::string name; ///< the function's name for it; unknown names stay as they are, for the function to refuse
  takes what = takes::scalar;
};

/// Whether a bad value of this field of a report is mended or left out rather than refused. False for what says which
/// job it is and what became of it, and for unknown names.
bool is_side_field(std::string_view name);

/// The rule for `key` inside `container` (`progress`, `error`, `labels`, or empty at the top of the request).
field_rule rule_for(std::string_view container, std::string_view key);

} // namespace jobcast::job
