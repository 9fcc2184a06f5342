#include "config_file.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <toml++/toml.h>

namespace jobcast::app {

namespace {

given_value list_of(const toml::array& array) {
  std::vector<std::string> texts;
  for (const auto& element : array) {
    const auto* text = element.as_string();
    if (!text)
      return unusable{"a list of other things than text"};
    texts.push_back(text->get());
  }
  return texts;
}

given_value value_of(const toml::node& node) {
  if (const auto* text = node.as_string())
    return text->get();
  if (const auto* integer = node.as_integer())
    return integer->get();
  if (const auto* real = node.as_floating_point())
    return real->get();
  if (const auto* flag = node.as_boolean())
    return flag->get();
  if (const auto* array = node.as_array())
    return list_of(*array);
  return unusable{"a date or time"};
}

void flatten(const toml::table& table, const std::vector<std::string>& parent, std::vector<config_entry>& entries) {
  for (const auto& [key, node] : table) {
    auto path = parent;
    path.emplace_back(key.str());
    const auto line = key.source().begin.line;
    if (const auto* inner = node.as_table()) {
      entries.push_back({path, line, true, {}});
      flatten(*inner, path, entries);
    } else {
      entries.push_back({std::move(path), line, false, value_of(node)});
    }
  }
}

} // namespace

boost::system::result<std::vector<config_entry>, std::string> read_toml(std::string_view text) {
  try {
    std::vector<config_entry> entries;
    flatten(toml::parse(text), {}, entries);
    std::stable_sort(entries.begin(), entries.end(), [](auto const& a, auto const& b) { return a.line < b.line; });
    return entries;
  } catch (const toml::parse_error& problem) {
    return fmt::format("{}: {}", problem.source().begin.line, problem.description());
  }
}

} // namespace jobcast::app
