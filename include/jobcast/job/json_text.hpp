// Writing text of unknown origin into JSON. Pure.
#pragma once

#include <string>
#include <string_view>

namespace jobcast::job {

/// Appends `text` to `out` as a JSON string, quotes included (RFC 8259 section 7). Always valid: control characters
/// are escaped, and each maximal ill-formed piece of UTF-8 becomes U+FFFD (Unicode 15, section 3.9).
void append_json_string(std::string& out, std::string_view text);

} // namespace jobcast::job
