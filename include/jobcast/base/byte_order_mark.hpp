// The mark that some editors and libraries put before UTF-8. RFC 8259, section 8.1, lets a reader of JSON pass over it.
#pragma once

#include <string_view>

namespace jobcast {

inline std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

} // namespace jobcast
