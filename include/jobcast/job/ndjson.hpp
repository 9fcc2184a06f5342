// Newline-delimited JSON, as a body of several reports. Pure.
#pragma once

#include <string_view>

namespace jobcast::job {

/// Cuts the first line with something in it off the front of `body`, without its LF or CR LF. Empty when there is none.
std::string_view take_line(std::string_view& body);

} // namespace jobcast::job
