#include "jobcast/redis/info.hpp"

#include <algorithm>

namespace jobcast::redis {

std::string_view info_value(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    auto const end = std::min(info.find('\n'), info.size());
    std::string_view line = info.substr(0, end);
    info.remove_prefix(std::min(end + 1, info.size()));
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':'))
      continue;
    line.remove_prefix(name.size() + 1);
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
  }
  return {};
}

} // namespace jobcast::redis
