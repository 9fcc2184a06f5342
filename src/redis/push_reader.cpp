#include "jobcast/redis/push_reader.hpp"

namespace jobcast::redis {

namespace {

// Redis' own limit on a text (proto-max-bulk-len), and no count here has more digits than it.
constexpr std::size_t longest_text = 512 * 1024 * 1024;
constexpr std::size_t longest_line = 64 * 1024;

} // namespace

push_reader::outcome push_reader::refuse(const char* why) {
  failure_ = why;
  return outcome::wrong;
}

push_reader::outcome push_reader::take(std::string_view& bytes, push& into) {
  std::string_view at = bytes;
  into.count = 1;
  into.error = at.front() == '-';
  if (at.front() == '*') {
    if (at.size() < 4)
      return outcome::incomplete;
    into.count = static_cast<std::size_t>(at[1] - '0');
    if (into.count < 1 || into.count > push::most || at[2] != '\r' || at[3] != '\n')
      return refuse("an array of another length than any push");
    at.remove_prefix(4);
  }
  for (std::size_t i = 0; i < into.count; ++i)
    if (outcome const how = take_part(at, into.parts[i]); how != outcome::complete)
      return how;
  bytes = at;
  return outcome::complete;
}

push_reader::outcome push_reader::take_part(std::string_view& bytes, std::string_view& into) {
  if (bytes.empty())
    return outcome::incomplete;
  char const kind = bytes.front();
  if (kind != '$') {
    // A line: a number, a status or an error.
    if (kind != ':' && kind != '+' && kind != '-')
      return refuse("a reply of an unknown kind");
    auto const end = bytes.find("\r\n");
    if (end == std::string_view::npos)
      return bytes.size() > longest_line ? refuse("a line without an end") : outcome::incomplete;
    into = bytes.substr(1, end - 1);
    bytes.remove_prefix(end + 2);
    return outcome::complete;
  }
  // Of a subscription that is not there the name is nil.
  constexpr std::string_view nil = "$-1\r\n";
  if (std::string_view const head = bytes.substr(0, nil.size()); nil.starts_with(head)) {
    if (head != nil)
      return outcome::incomplete;
    into = {};
    bytes.remove_prefix(nil.size());
    return outcome::complete;
  }
  std::size_t size = 0, at = 1;
  for (; at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '9'; ++at)
    if ((size = size * 10 + static_cast<std::size_t>(bytes[at] - '0')) > longest_text)
      return refuse("a text longer than any");
  std::size_t const begin = at + 2, end = begin + size;
  if (at < bytes.size() && (at == 1 || bytes[at] != '\r'))
    return refuse("a text without its length");
  if (bytes.size() < end + 2)
    return outcome::incomplete;
  if (bytes[at + 1] != '\n' || bytes[end] != '\r' || bytes[end + 1] != '\n')
    return refuse("a text of another length than it says");
  into = bytes.substr(begin, size);
  bytes.remove_prefix(end + 2);
  return outcome::complete;
}

} // namespace jobcast::redis
