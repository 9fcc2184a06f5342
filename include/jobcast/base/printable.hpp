// Text of others for a log or a terminal, which obey control characters.
#pragma once

#include <string>
#include <string_view>

namespace jobcast {

/// The text with each control character spelt out: `\x0a` for C0 and DEL, `\u009b` for C1 (in UTF-8). So that no text
/// can make a line of its own, or move the cursor of a terminal.
std::string printable(std::string_view text);

} // namespace jobcast
