#include "terminal_text.hpp"

namespace jobcast::app {

std::string terminal_text(std::string_view text) {
  std::string clean(text);
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const auto byte = static_cast<unsigned char>(clean[i]);
    const bool c1 = byte == 0xC2 && i + 1 < clean.size() && static_cast<unsigned char>(clean[i + 1]) < 0xA0;
    if (c1)
      clean.replace(i, 2, " ");
    else if (byte < 0x20 || byte == 0x7F)
      clean[i] = ' ';
  }
  return clean;
}

} // namespace jobcast::app
