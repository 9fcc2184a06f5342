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
  std::vector<std::string> path;
  query_parameters query;
  if (!parse_target(target, path, query))
    return 0;
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
  std::vector<std::string> path_again;
  query_parameters query_again;
  require(parse_target(again, path_again, query_again));
  // A path of one empty segment is written as "/", which is read as none.
  require(path_again == path || (path == std::vector<std::string>{""} && path_again.empty()));
  require(query_again == query);
  return 0;
}
