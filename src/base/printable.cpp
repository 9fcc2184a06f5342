#include "jobcast/base/printable.hpp"

#include <fmt/format.h>
#include <iterator>

namespace jobcast {

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    auto const next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (c < 0x20 || c == 0x7f)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", c);
    else if (c == 0xc2 && next >= 0x80 && next < 0xa0) // U+0080 to U+009F
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", (++i, next));
    else
      out += text[i];
  }
  return out;
}

} // namespace jobcast
