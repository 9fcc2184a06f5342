// Request targets: paths and query strings. What is read holds no control character, and written out again, every byte
// encoded, it reads the same.
#include "jobcast/http/request.hpp"
#include "require.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

using namespace jobcast::http;

namespace {

std::string encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned char c : text)
    (((out += '%') += digits[c >> 4]) += digits[c & 15]);
  return out;
}

bool is_clean(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view const target(reinterpret_cast<const char*>(data), size);
  request r, reread;
  if (!parse_target(target, r))
    return 0;
  std::vector<std::string> const& path = r.path;
  query_parameters const& query = r.query;
  require(r.authority.find_first_of("/?@") == std::string_view::npos);
  std::string again = path.empty() ? "/" : "";
  for (const std::string& part : path) {
    require(is_clean(part));
    again += '/' + encoded(part);
  }
  char separator = '?';
  for (auto const& [name, value] : query) {
    require(is_clean(name) && is_clean(value));
    ((((again += separator) += encoded(name)) += '=') += encoded(value));
    separator = '&';
  }
  require(parse_target(again, reread));
  // A path of one empty segment is written as "/", which is read as none.
  require(reread.path == path || (path == std::vector<std::string>{""} && reread.path.empty()));
  require(reread.query == query);
  return 0;
}
