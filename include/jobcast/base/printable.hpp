// Makes text from outside safe for a log or a terminal, which both act on control characters.
#pragma once

#include <string>
#include <string_view>

namespace jobcast {

/// Returns the text with each control character as an escape: `\x0a` for C0 and DEL, `\u009b` for C1 (in UTF-8). So the
/// text can neither start a new line nor move the cursor of a terminal.
std::string printable(std::string_view text);

} // namespace jobcast
