#include "jobcast/app/config.hpp"

#include "config_file.hpp"
#include "config_keys.hpp"
#include "config_notify.hpp"
#include "jobcast/job/report_json.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace jobcast::app {

namespace {

template <class Range>
auto named(const Range& range, std::string_view name) {
  const auto found = std::find_if(range.begin(), range.end(), [&](const auto& each) { return each.name == name; });
  return found == range.end() ? nullptr : &*found;
}

template <class Range>
std::string names_of(const Range& range) {
  std::vector<std::string_view> names;
  for (const auto& each : range)
    names.push_back(each.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

/// "LIMITS_WRITE_TIMEOUT" of "limits" and "write_timeout".
std::string variable_name(std::string_view section, std::string_view key) {
  auto name = fmt::format("JOBCAST_{}_{}", section, key);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name;
}

/// Applies entries and variables to one `settings`, gathering what is wrong.
class loader {
 public:
  settings values;
  config_errors errors;

  void apply_file(std::string_view file_name, const std::vector<config_entry>& entries) {
    for (const auto& entry : entries) {
      place_ = fmt::format("{}:{}: ", file_name, entry.line);
      apply(entry);
    }
  }

  void apply_variable(std::string_view name, std::string_view text) {
    for (const auto& section : config_sections()) {
      const auto prefix = variable_name(section.name, "");
      if (!name.starts_with(prefix))
        continue;
      for (const auto& key : section.keys) {
        if (name != variable_name(section.name, key.name))
          continue;
        place_.clear();
        const auto where = key.at(values);
        if (const auto problem = assign(where, key.allowed, from_text(text, where)))
          refuse(name, *problem);
        return;
      }
      const bool of_kubernetes = name.find("_PORT") != name.npos || name.find("_SERVICE_") != name.npos;
      if (!of_kubernetes)
        refuse(name,
               fmt::format("is no variable of jobcast; keys of [{}] are {}", section.name, names_of(section.keys)));
    }
  }

 private:
  void refuse(std::string_view key, std::string_view problem) {
    errors.push_back(fmt::format("{}{} {}", place_, key, problem));
  }

  void apply(const config_entry& entry) {
    const auto& path = entry.path;
    const auto* section = named(config_sections(), path[0]);
    if (!section) {
      if (path.size() == 1)
        refuse(path[0], fmt::format("is no section; sections are {}", names_of(config_sections())));
    } else if (path.size() == 1) {
      if (!entry.table)
        refuse(path[0], fmt::format("must be a section: [{}]", path[0]));
    } else if (path[0] == "jobs" && path[1] == "types") {
      apply_type(entry);
    } else if (path[0] == "notify" && path[1] == "webhooks") {
      apply_named(entry, "[notify.webhooks.<name>]", values.notify.webhooks, webhook_keys());
    } else if (path[0] == "notify" && path[1] == "templates") {
      apply_named(entry, "[notify.templates.\"<type>\"]", values.notify.templates, template_keys());
    } else if (path.size() == 2) {
      apply_key(entry, fmt::format("{}.{}", path[0], path[1]), named(section->keys, path[1]), values,
                fmt::format("keys of [{}] are {}", path[0], names_of(section->keys)));
    }
  }

  void apply_type(const config_entry& entry) {
    const auto& path = entry.path;
    if (path.size() == 4 && path[3] == "backoff") {
      if (!entry.table)
        refuse(fmt::format("jobs.types.\"{}\".backoff", path[2]),
               "must be a table: backoff = { base = \"5s\", factor = 2.0, cap = \"10m\" }");
    } else if (path.size() != 5 || path[3] == "backoff") {
      apply_named(entry, "[jobs.types.\"<type>\"]", values.jobs.types, type_keys());
    }
  }

  /// What stands in one of the tables `[section.group.<name>]`, of which there may be any number. `shape` says how they
  /// are written.
  template <class Owner>
  void apply_named(const config_entry& entry, std::string_view shape, std::map<std::string, Owner>& owners,
                   std::span<const config_key<Owner>> keys) {
    const auto& path = entry.path;
    const auto group = fmt::format("{}.{}", path[0], path[1]);
    if (path.size() == 2) {
      if (!entry.table)
        refuse(group, fmt::format("must be a table: {}", shape));
      return;
    }
    const auto full = fmt::format("{}.\"{}\"", group, path[2]);
    if (path.size() == 3) {
      if (!entry.table)
        refuse(full, fmt::format("must be a table: {}", shape));
      else if (!job::is_type_name(path[2]))
        refuse(full, "is no name: 1 to 64 of A-Z a-z 0-9 . _ : -");
      else
        owners[path[2]];
      return;
    }
    const auto name = path.size() == 4 ? path[3] : path[3] + "." + path[4];
    apply_key(entry, fmt::format("{}.{}", full, name), named(keys, name), owners[path[2]],
              fmt::format("keys of {} are {}", shape, names_of(keys)));
  }

  template <class Owner>
  void apply_key(const config_entry& entry, std::string_view full, const config_key<Owner>* key, Owner& owner,
                 std::string_view known) {
    if (!key)
      return refuse(full, fmt::format("is no key; {}", known));
    const auto where = key->at(owner);
    if (const auto problem = assign(where, key->allowed, entry.table ? unusable{"a table"} : entry.value))
      refuse(full, *problem);
  }

  std::string place_;
};

} // namespace

boost::system::result<settings, config_errors> parse_settings(std::string_view toml, std::string_view file_name,
                                                              std::span<const std::string_view> environment) {
  loader load;
  if (const auto entries = read_toml(toml))
    load.apply_file(file_name, *entries);
  else
    load.errors.push_back(fmt::format("{}:{}", file_name, entries.error()));
  for (const auto variable : environment) {
    const auto equals = std::min(variable.find('='), variable.size());
    load.apply_variable(variable.substr(0, equals), variable.substr(std::min(equals + 1, variable.size())));
  }
  if (load.errors.empty())
    load.errors = check_notify(load.values.notify, load.values.jobs.retention);
  if (!load.errors.empty())
    return std::move(load.errors);
  return std::move(load.values);
}

boost::system::result<settings, config_errors> load_settings(const std::optional<std::filesystem::path>& file,
                                                             std::span<const std::string_view> environment) {
  if (!file)
    return parse_settings("", "", environment);
  std::ifstream stream(*file, std::ios::binary);
  std::ostringstream text; // reading a folder sets badbit here, where an iterator would throw
  text << stream.rdbuf();
  if (!stream.is_open() || stream.bad() || text.bad() || std::filesystem::is_directory(*file))
    return config_errors{fmt::format("{}: cannot be read; name a file that exists and may be read", file->string())};
  return parse_settings(text.str(), file->string(), environment);
}

} // namespace jobcast::app
