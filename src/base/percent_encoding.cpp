#include "jobcast/base/percent_encoding.hpp"

namespace jobcast {

void append_percent_encoded(std::string& out, std::string_view text) {
  constexpr char hex[] = "0123456789ABCDEF";
  for (const char c : text) {
    const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (unreserved)
      out += c;
    else
      out.append(1, '%').append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
  }
}

} // namespace jobcast
