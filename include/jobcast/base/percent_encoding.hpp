// Percent-encoding of RFC 3986, section 2.1.
#pragma once

#include <string>
#include <string_view>

namespace jobcast {

/// Appends `text` with every byte but the unreserved ones (A-Z a-z 0-9 - . _ ~) as %XX.
void append_percent_encoded(std::string& out, std::string_view text);

} // namespace jobcast
