#include "jobcast/app/config.hpp"

#include "config_checks.hpp"
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

// Of one type; each is a field of its policy in Redis.
constexpr std::size_t failures_per_catalogue = 500;

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
      // Of services named after us: JOBCAST_REDIS_PORT=tcp://10.0.0.11:6379,
      // JOBCAST_REDIS_PORT_6379_TCP_ADDR=10.0.0.11.
      const bool of_kubernetes = text.starts_with("tcp://") || text.starts_with("udp://") ||
                                 name.find("_PORT_") != name.npos || name.find("_SERVICE_") != name.npos;
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
    } else if (path[0] == "jobs" && path[1] == "failures") {
      apply_failure(entry, 2, "jobs.failures", values.jobs.failures);
    } else {
      bool taken = false;
      for_each_table([&](const auto& table) {
        if (path[0] == table.section && path[1] == table.name) {
          apply_table(entry, table);
          taken = true;
        }
      });
      if (!taken && path.size() == 2)
        apply_key(entry, fmt::format("{}.{}", path[0], path[1]), named(section->keys, path[1]), values,
                  fmt::format("keys of [{}] are {}", path[0], names_of(section->keys)));
    }
  }

  template <class Owner>
  void apply_table(const config_entry& entry, const config_table<Owner>& table) {
    const auto& path = entry.path;
    const auto all = fmt::format("{}.{}", table.section, table.name);
    if (path.size() < 4) {
      const auto full = path.size() == 2 ? all : fmt::format("{}.\"{}\"", all, path[2]);
      if (!entry.table)
        refuse(full, fmt::format("must be a table: [{}.\"<name>\"]", all));
      else if (path.size() == 3 && !job::is_type_name(path[2]))
        refuse(full, "is no name: 1 to 64 of A-Z a-z 0-9 . _ : -");
      else if (path.size() == 3)
        table.at(values)[path[2]];
      return;
    }
    if constexpr (std::is_same_v<Owner, type_settings>)
      if (path[3] == "failures")
        return apply_failure(entry, 4, fmt::format("{}.\"{}\".failures", all, path[2]),
                             table.at(values)[path[2]].failures);
    const auto name = path.size() == 4 ? path[3] : path[3] + "." + path[4];
    const auto full = fmt::format("{}.\"{}\".{}", all, path[2], name);
    const auto inner = name + ".";
    const bool has_inner =
        std::any_of(table.keys.begin(), table.keys.end(), [&](const auto& key) { return key.name.starts_with(inner); });
    if (has_inner) {
      if (!entry.table)
        refuse(full, "must be a table: backoff = { base = \"5s\", factor = 2.0, cap = \"10m\" }");
    } else if (path.size() <= 5) {
      apply_key(entry, full, named(table.keys, name), table.at(values)[path[2]],
                fmt::format("keys of [{}.\"...\"] are {}", all, names_of(table.keys)));
    }
  }

  // `[<table>."<code>"]`; the code is number `at` of the path.
  void apply_failure(const config_entry& entry, std::size_t at, std::string_view table, failure_catalogue& catalogue) {
    const auto& path = entry.path;
    const bool is_table = path.size() <= at + 1;
    if (is_table && !entry.table)
      refuse(table, fmt::format("must hold tables: [{}.\"<code>\"]", table));
    else if (path.size() > at && (path[at].empty() || path[at].size() > 128))
      refuse(table, "keys are error codes of 1 to 128 bytes, or patterns with *");
    else if (path.size() == at + 1 && !catalogue.contains(path[at]) && catalogue.size() == failures_per_catalogue)
      refuse(table, fmt::format("may hold {} codes; use patterns such as \"HTTP_*\"", failures_per_catalogue));
    else if (path.size() == at + 1)
      catalogue[path[at]];
    else if (path.size() == at + 2)
      apply_key(entry, fmt::format("{}.\"{}\".{}", table, path[at], path[at + 1]), named(failure_keys(), path[at + 1]),
                catalogue[path[at]], "keys of a failure are " + names_of(failure_keys()));
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
    load.errors = check_together(load.values);
  if (load.errors.empty())
    load.errors = check_notify(load.values.notify, load.values.jobs.retention);
  if (!load.errors.empty())
    return std::move(load.errors);
  return std::move(load.values);
}

boost::system::result<settings, config_errors> load_settings(const std::optional<std::filesystem::path>& file,
                                                             std::span<const std::string_view> environment) {
  std::optional<std::string_view> whole;
  for (const auto variable : environment)
    if (constexpr std::string_view name = "JOBCAST_CONFIG="; variable.starts_with(name))
      whole = variable.substr(name.size());
  if (whole && file)
    return config_errors{
        fmt::format("{}: JOBCAST_CONFIG holds a whole configuration too; give one of the two", file->string())};
  if (whole && !whole->empty() && whole->find_first_of("=[#\n") == std::string_view::npos)
    return config_errors{
        "JOBCAST_CONFIG: this is no configuration; it holds the text of one, a file is named by --config"};
  if (!file)
    return parse_settings(whole.value_or(""), whole ? "JOBCAST_CONFIG" : "", environment);
  std::ifstream stream(*file, std::ios::binary);
  std::ostringstream text; // reading a folder sets badbit here, where an iterator would throw
  text << stream.rdbuf();
  if (!stream.is_open() || stream.bad() || text.bad() || std::filesystem::is_directory(*file))
    return config_errors{fmt::format("{}: cannot be read; name a file that exists and may be read", file->string())};
  return parse_settings(text.str(), file->string(), environment);
}

std::vector<std::string> keys_for_restart(const settings& running, const settings& fresh) {
  constexpr std::string_view at_start[] = {"server", "redis", "web"};
  constexpr std::string_view taken_over[] = {"log_level", "tls_certificate", "tls_key", "trusted_proxies"};
  settings before = running, after = fresh;
  std::vector<std::string> keys;
  for (const auto& section : config_sections()) {
    const bool whole = std::count(std::begin(at_start), std::end(at_start), section.name) > 0;
    for (const auto& key : section.keys) {
      const bool kept = whole && std::count(std::begin(taken_over), std::end(taken_over), key.name) == 0;
      if (kept && to_toml(key.at(before)) != to_toml(key.at(after)))
        keys.push_back(fmt::format("{}.{}", section.name, key.name));
    }
  }
  return keys;
}

} // namespace jobcast::app
