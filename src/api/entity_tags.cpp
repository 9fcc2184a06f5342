#include "jobcast/api/entity_tags.hpp"

#include <algorithm>
#include <iterator>

namespace jobcast::api {

namespace {

// Content codings that proxies name behind a tag, each after a `-` or a `;`.
constexpr std::string_view codings[] = {"gzip", "br", "zstd", "deflate"};

// `bent` without a coding at its end; all of it if there is none.
std::string_view without_coding(std::string_view bent) {
  for (std::string_view const coding : codings) {
    if (!bent.ends_with(coding) || bent.size() == coding.size())
      continue;
    char const separator = bent[bent.size() - coding.size() - 1];
    if (separator == '-' || separator == ';')
      return bent.substr(0, bent.size() - coding.size() - 1);
  }
  return bent;
}

// Several proxies in a row each add their own.
bool is_tag(std::string_view sent, std::string_view tag) {
  for (;;) {
    if (sent == tag)
      return true;
    std::string_view const shorter = without_coding(sent);
    if (shorter.size() == sent.size())
      return false;
    sent = shorter;
  }
}

} // namespace

bool names_tag(std::string_view if_none_match, std::string_view tag) {
  auto const first = if_none_match.find_first_not_of(" \t");
  if (first != std::string_view::npos && if_none_match.substr(first).starts_with('*'))
    return true;
  // A comma or a `W/` may stand within the quotes, so tags are found by their quotes.
  for (std::string_view rest = if_none_match;;) {
    auto const open = rest.find('"');
    auto const close = open == std::string_view::npos ? open : rest.find('"', open + 1);
    if (close == std::string_view::npos)
      return false;
    if (is_tag(rest.substr(open + 1, close - open - 1), tag))
      return true;
    rest.remove_prefix(close + 1);
  }
}

} // namespace jobcast::api
