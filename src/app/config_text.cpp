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
# this file: JOBCAST_SECTION_KEY, for example JOBCAST_SERVER_LISTEN. Unknown keys are errors. `jobcast check --config FILE`
# shows what is in effect; `jobcast check --defaults` prints this file.
)";

constexpr std::string_view type_introduction = R"(
# Types of jobs: one table each, with what differs from the defaults above. The values here are examples.
#[jobs.types."report.pdf"]
)";

constexpr std::string_view webhook_introduction = R"(
# Webhooks that are told every outcome: one table each, of any name.
#[notify.webhooks.shop]
)";

constexpr std::string_view template_introduction = R"(
# E-mails, by type of job; "default" is for types without a table. What is left out is the program's own.
# {{name}} is a field of the record, {{#name}}...{{/name}} stays if it has a value, {{^name}}...{{/name}} if not.
#[notify.templates."report.pdf"]
)";

/// Shows `redis://user:secret@host` as `redis://***@host`.
std::string without_password(std::string url) {
  const auto start = url.find("://"), at = url.rfind('@');
  if (start != url.npos && at != url.npos && at > start)
    url.replace(start + 3, at - start - 3, "***");
  return url;
}

/// Shows secrets as `***`, as many as there are.
void hide_secrets(notify_settings& notify) {
  std::fill(notify.secrets.begin(), notify.secrets.end(), "***");
  if (!notify.smtp_password.empty())
    notify.smtp_password = "***";
  for (auto& [name, webhook] : notify.webhooks)
    std::fill(webhook.secrets.begin(), webhook.secrets.end(), "***");
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
  hide_secrets(shown.notify);
  std::string out;
  const auto write = [&](std::string_view name, const target& where) {
    fmt::format_to(std::back_inserter(out), "{} = {}\n", name, to_toml(where));
  };
  for (const auto& section : config_sections()) {
    fmt::format_to(std::back_inserter(out), "{}[{}]\n", out.empty() ? "" : "\n", section.name);
    for (const auto& key : section.keys)
      write(key.name, key.at(shown));
  }
  const auto write_named = [&](std::string_view group, auto& owners, auto keys) {
    for (auto& [name, owner] : owners) {
      fmt::format_to(std::back_inserter(out), "\n[{}.", group);
      job::append_json_string(out, name);
      out += "]\n";
      for (const auto& key : keys)
        if (!key.given || key.given(owner))
          write(key.name, key.at(owner));
    }
  };
  write_named("jobs.types", shown.jobs.types, type_keys());
  write_named("notify.webhooks", shown.notify.webhooks, webhook_keys());
  write_named("notify.templates", shown.notify.templates, template_keys());
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
  const auto describe_named = [&](std::string_view head, auto keys, auto scratch) {
    out += head;
    for (const auto& key : keys)
      describe(out, key, key.at(scratch), key.example);
  };
  describe_named(type_introduction, type_keys(), type_settings());
  describe_named(webhook_introduction, webhook_keys(), webhook_settings());
  describe_named(template_introduction, template_keys(), template_settings());
  return out;
}

} // namespace jobcast::app
