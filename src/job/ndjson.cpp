#include "jobcast/job/ndjson.hpp"

namespace jobcast::job {

std::string_view take_line(std::string_view& body) {
  while (!body.empty()) {
    auto const end = body.find('\n');
    std::string_view line = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (!line.empty())
      return line;
  }
  return {};
}

} // namespace jobcast::job
