// The table of all keys. A new setting is a member in base/settings.hpp, a row here, and `jobcast check --defaults`
// written to config/jobcast.toml.
#pragma once

#include "config_value.hpp"
#include "jobcast/base/settings.hpp"

namespace jobcast::app {

// What spans and counts are bounded by; spans are in milliseconds.
inline constexpr double second = 1'000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
inline constexpr double million = 1'000'000;

template <class Owner>
struct config_key {
  std::string_view name;  ///< within the section; `backoff.base` for a member of an inline table
  std::string_view about; ///< one line for whoever sets it
  target (*at)(Owner&);   ///< creates the value if it is optional
  bounds allowed{};
  bool (*given)(const Owner&) = nullptr; ///< for optional values: whether there is one
  std::string_view example{};            ///< for optional values, as TOML
};

struct config_section {
  std::string_view name;
  std::string_view about;
  std::span<const config_key<settings>> keys;
};

/// Tables that the user names: `[section.name."<one>"]`. Set in the file alone.
template <class Owner>
struct config_table {
  std::string_view section, name;
  std::string_view about;
  std::string_view example; ///< a name
  std::map<std::string, Owner>& (*at)(settings&);
  std::span<const config_key<Owner>> keys;
};

std::span<const config_section> config_sections();
/// Those of them in `[notify]`.
std::span<const config_key<settings>> notify_keys();
const config_table<type_settings>& type_table();
/// Keys of `[jobs.failures."<code>"]` and `[jobs.types."<type>".failures."<code>"]`.
std::span<const config_key<failure_settings>> failure_keys();
const config_table<auth_key_settings>& auth_key_table();
const config_table<publisher_settings>& publisher_table();
const config_table<webhook_settings>& webhook_table();
const config_table<template_settings>& template_table();

/// Calls `use` with each of the tables.
template <class Use>
void for_each_table(Use use) {
  use(type_table());
  use(auth_key_table());
  use(publisher_table());
  use(webhook_table());
  use(template_table());
}

} // namespace jobcast::app
