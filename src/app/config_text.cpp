// The config written out: what is in effect, and the documented defaults.
#include "config_keys.hpp"
#include "jobcast/app/config.hpp"
#include "jobcast/job/json_text.hpp"

#include <fmt/format.h>
#include <iterator>

namespace jobcast::app {

namespace {

constexpr std::string_view introduction = R"(# jobcast: every setting with its default.
#
# Take away the # in front of a key to change it. Each key can also be given as an environment variable, which wins over
# this file: JOBCAST_SECTION_KEY, for example JOBCAST_SERVER_LISTEN. Unknown keys are errors. `jobcast check --config FILE`
# shows what is in effect; `jobcast check --defaults` prints this file.
)";

constexpr std::string_view type_introduction = R"(
# Types of jobs: one table each, with what differs from the defaults above. The values here are examples.
#[jobs.types."report.pdf"]
)";

/// Shows `redis://user:secret@host` as `redis://***@host`.
std::string without_password(std::string url) {
  const auto start = url.find("://"), at = url.rfind('@');
  if (start != url.npos && at != url.npos && at > start)
    url.replace(start + 3, at - start - 3, "***");
  return url;
}

template <class Owner>
void describe(std::string& out, const config_key<Owner>& key, const target& where, std::string_view value) {
  fmt::format_to(std::back_inserter(out), "\n# {}\n# Takes {}.\n#{} = {}\n", key.about, accepted(where, key.allowed),
                 key.name, value);
}

} // namespace

std::string effective_config(const settings& values) {
  auto shown = values;
  shown.redis.url = without_password(shown.redis.url);
  std::string out;
  const auto write = [&](std::string_view name, const target& where) {
    fmt::format_to(std::back_inserter(out), "{} = {}\n", name, to_toml(where));
  };
  for (const auto& section : config_sections()) {
    fmt::format_to(std::back_inserter(out), "{}[{}]\n", out.empty() ? "" : "\n", section.name);
    for (const auto& key : section.keys)
      write(key.name, key.at(shown));
  }
  for (auto& [name, type] : shown.jobs.types) {
    out += "\n[jobs.types.";
    job::append_json_string(out, name);
    out += "]\n";
    for (const auto& key : type_keys())
      if (key.given(type))
        write(key.name, key.at(type));
  }
  return out;
}

std::string documented_config() {
  settings defaults;
  std::string out(introduction);
  for (const auto& section : config_sections()) {
    fmt::format_to(std::back_inserter(out), "\n# {}\n[{}]\n", section.about, section.name);
    for (const auto& key : section.keys) {
      const auto where = key.at(defaults);
      describe(out, key, where, to_toml(where));
    }
  }
  out += type_introduction;
  type_settings scratch;
  for (const auto& key : type_keys())
    describe(out, key, key.at(scratch), key.example);
  return out;
}

} // namespace jobcast::app
