#include "jobcast/base/json_members.hpp"

#include <charconv>
#include <rapidjson/document.h>

namespace jobcast {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Of the string that `text` begins with, quotes included; 0 if it begins with none, or it has no end.
std::size_t string_size(std::string_view text) {
  if (text.empty() || text.front() != '"')
    return 0;
  for (std::size_t at = 1; (at = text.find('"', at)) != std::string_view::npos; ++at) {
    std::size_t escapes = 0;
    while (text[at - 1 - escapes] == '\\')
      ++escapes;
    if (escapes % 2 == 0)
      return at + 1;
  }
  return 0;
}

/// Of the object or array that `text` begins with; 0 if it has no end.
std::size_t nest_size(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at)
    switch (text[at]) {
    case '"':
      if (std::size_t const skipped = string_size(text.substr(at)))
        at += skipped - 1;
      else
        return 0;
      break;
    case '{':
    case '[':
      ++depth;
      break;
    case '}':
    case ']':
      if (--depth == 0)
        return at + 1;
      break;
    }
  return 0;
}

/// Of the number or word that `text` begins with.
std::size_t scalar_size(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && text[at] > ' ' && text[at] != ',' && text[at] != '}' && text[at] != ']')
    ++at;
  return at;
}

std::size_t value_size(std::string_view text) {
  switch (text.empty() ? ',' : text.front()) {
  case '"':
    return string_size(text);
  case '{':
  case '[':
    return nest_size(text);
  default:
    return scalar_size(text);
  }
}

} // namespace

bool json_members::next() {
  if (!take(open_ ? ',' : '{'))
    return false;
  open_ = true;
  skip_space();
  name_ = take_first(string_size(rest_));
  if (name_.empty() || !take(':'))
    return false;
  skip_space();
  name_ = name_.substr(1, name_.size() - 2);
  value_ = take_first(value_size(rest_));
  return !value_.empty();
}

void json_members::skip_space() {
  while (!rest_.empty() && is_space(rest_.front()))
    rest_.remove_prefix(1);
}

bool json_members::take(char c) {
  skip_space();
  if (rest_.empty() || rest_.front() != c)
    return false;
  rest_.remove_prefix(1);
  return true;
}

std::string_view json_members::take_first(std::size_t size) {
  auto const out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return out;
}

std::string json_text(std::string_view value) {
  if (value.size() < 2 || value.front() != '"')
    return {};
  auto const inside = value.substr(1, value.size() - 2);
  if (inside.find('\\') == std::string_view::npos)
    return std::string(inside);
  rapidjson::Document parsed;
  parsed.Parse(value.data(), value.size());
  return parsed.IsString() ? std::string(parsed.GetString(), parsed.GetStringLength()) : std::string();
}

double json_number(std::string_view value) {
  double out = 0;
  // "inf" and the like are numbers to from_chars.
  if (value.empty() || value.back() < '0' || value.back() > '9')
    return 0;
  auto const [end, ec] = std::from_chars(value.data(), value.data() + value.size(), out);
  return ec == std::errc() && end == value.data() + value.size() ? out : 0;
}

} // namespace jobcast
