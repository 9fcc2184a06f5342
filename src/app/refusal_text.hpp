// What a gateway's refusal says to a person at a terminal.
#pragma once

#include <string>
#include <string_view>

namespace jobcast::app {

/// `the gateway answered 400: percent: a number from 0 to 100`: status, field and detail of a problem document (RFC
/// 9457); of any other body, its beginning. No control characters.
std::string refusal_text(unsigned status, std::string_view body);

} // namespace jobcast::app
