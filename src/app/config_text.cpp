// The config written out: what is in effect, and the documented defaults.
#include "config_keys.hpp"
#include "jobcast/app/config.hpp"
#include "jobcast/job/json_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace jobcast::app {

namespace {

constexpr std::string_view introduction = R"(# jobcast: every setting with its default.
#
# Take away the # in front of a key to change it. Each key can also be given as an environment variable, which wins over
# this file: JOBCAST_SECTION_KEY, for example JOBCAST_SERVER_LISTEN. A container can be given this whole file as text in
# JOBCAST_CONFIG instead. Unknown keys are errors. `jobcast check --config FILE` shows what is in effect;
# `jobcast check --defaults` prints this file.
)";

/// Shows `redis://user:secret@host` as `redis://***@host`.
std::string without_password(std::string url) {
  const auto start = url.find("://"), at = url.rfind('@');
  if (start != url.npos && at != url.npos && at > start)
    url.replace(start + 3, at - start - 3, "***");
  return url;
}

constexpr std::string_view failure_introduction = R"(
# What viewers are told of failures: one table for each error code that workers report, or for each pattern in which * stands
# for any text. What is left out stays as the worker said it. [jobs.types."<type>".failures."<code>"] is the same for one
# type, and is looked at first. The values here are examples.
#[jobs.failures."PDO*"]
)";

/// Whether there is a secret, and of a list how many.
std::string hidden(const target& where) {
  std::string text = "***";
  if (const auto* one = std::get_if<std::string*>(&where))
    return to_toml((*one)->empty() ? *one : &text);
  std::vector<std::string> list(std::get<std::vector<std::string>*>(where)->size(), text);
  return to_toml(&list);
}

void append_failures(std::string& out, std::string_view table, failure_catalogue& catalogue) {
  for (auto& [code, failure] : catalogue) {
    fmt::format_to(std::back_inserter(out), "\n[{}.", table);
    job::append_json_string(out, code);
    out += "]\n";
    for (const auto& key : failure_keys())
      if (key.given(failure))
        fmt::format_to(std::back_inserter(out), "{} = {}\n", key.name, to_toml(key.at(failure)));
  }
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
  const auto write = [&](const auto& key, auto& owner) {
    const auto where = key.at(owner);
    fmt::format_to(std::back_inserter(out), "{} = {}\n", key.name, key.allowed.secret ? hidden(where) : to_toml(where));
  };
  for (const auto& section : config_sections()) {
    fmt::format_to(std::back_inserter(out), "{}[{}]\n", out.empty() ? "" : "\n", section.name);
    for (const auto& key : section.keys)
      write(key, shown);
  }
  append_failures(out, "jobs.failures", shown.jobs.failures);
  for_each_table([&]<class Owner>(const config_table<Owner>& table) {
    for (auto& [name, one] : table.at(shown)) {
      std::string full = fmt::format("{}.{}.", table.section, table.name);
      job::append_json_string(full, name);
      out += "\n[" + full + "]\n";
      for (const auto& key : table.keys)
        if (!key.given || key.given(one))
          write(key, one);
      if constexpr (std::is_same_v<Owner, type_settings>)
        append_failures(out, full + ".failures", one.failures);
    }
  });
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
  for_each_table([&]<class Owner>(const config_table<Owner>& table) {
    fmt::format_to(std::back_inserter(out), "\n# {}\n#[{}.{}.\"{}\"]\n", table.about, table.section, table.name,
                   table.example);
    Owner scratch;
    for (const auto& key : table.keys)
      describe(out, key, key.at(scratch), key.example);
  });
  out += failure_introduction;
  failure_settings scratch_failure;
  for (const auto& key : failure_keys())
    describe(out, key, key.at(scratch_failure), key.example);
  return out;
}

} // namespace jobcast::app
