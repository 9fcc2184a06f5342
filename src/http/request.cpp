#include "jobcast/http/request.hpp"

#include <algorithm>
#include <cctype>

namespace jobcast::http {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

// Calls `use` with each part of `text` between separators; stops when it answers false.
template <class Use>
bool split(std::string_view text, char separator, Use use) {
  for (;;) {
    auto const end = text.find(separator);
    if (!use(text.substr(0, end)))
      return false;
    if (end == std::string_view::npos)
      return true;
    text.remove_prefix(end + 1);
  }
}

} // namespace

std::optional<std::string_view> request::parameter(std::string_view name) const {
  for (auto const& [key, value] : query)
    if (key == name)
      return value;
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  auto const stays = [plus_is_space](unsigned char c) {
    return c >= 0x20 && c != 0x7f && c != '%' && (c != '+' || !plus_is_space);
  };
  if (std::all_of(text.begin(), text.end(), stays))
    return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size())
        return std::nullopt;
      int const high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0)
        return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return std::nullopt;
    out += c;
  }
  return out;
}

namespace {

bool parse_query(std::string_view text, query_parameters& query) {
  return text.empty() || split(text, '&', [&](std::string_view part) {
           auto const equals = part.find('=');
           auto key = percent_decode(part.substr(0, equals), true);
           auto value =
               percent_decode(equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1), true);
           if (!key || !value)
             return false;
           query.emplace_back(std::move(*key), std::move(*value));
           return true;
         });
}

bool starts_like(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(),
                                                   [](char a, unsigned char b) { return a == std::tolower(b); });
}

// Takes scheme and authority off a target in absolute form.
bool take_authority(std::string_view& target, std::string_view& authority) {
  std::size_t const scheme = starts_like(target, "http://") ? 7 : starts_like(target, "https://") ? 8 : 0;
  if (scheme == 0)
    return target.starts_with('/');
  authority = target.substr(scheme, target.find_first_of("/?", scheme) - scheme);
  target.remove_prefix(scheme + authority.size());
  // A name before an `@` is how one address is made to look like another (RFC 9110, section 4.2.4).
  return !authority.empty() && authority.find('@') == std::string_view::npos;
}

} // namespace

bool parse_target(std::string_view target, request& r) {
  std::vector<std::string>& path = r.path;
  if (!take_authority(target, r.authority))
    return false;
  // Of an absolute target the path may be left out.
  if (!target.starts_with('/'))
    return target.empty() || parse_query(target.substr(1), r.query);
  auto const mark = target.find('?');
  std::string_view const path_part = target.substr(1, mark == std::string_view::npos ? mark : mark - 1);
  path.reserve(4); // what the longest of the API's have
  bool ok = path_part.empty() || split(path_part, '/', [&](std::string_view part) {
              auto decoded = percent_decode(part);
              if (decoded)
                path.push_back(std::move(*decoded));
              return decoded.has_value();
            });
  if (!ok || mark == std::string_view::npos || mark + 1 == target.size())
    return ok;
  return parse_query(target.substr(mark + 1), r.query);
}

} // namespace jobcast::http
