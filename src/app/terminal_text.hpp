// Text of others for a terminal, which obeys control characters.
#pragma once

#include <string>
#include <string_view>

namespace jobcast::app {

/// Each control character (C0, DEL, C1 in UTF-8) is a space.
std::string terminal_text(std::string_view text);

} // namespace jobcast::app
