// The table of all keys. A new setting is a member in base/settings.hpp, a row here, and `jobcast check --defaults`
// written to config/jobcast.toml.
#pragma once

#include "config_value.hpp"
#include "jobcast/base/settings.hpp"

namespace jobcast::app {

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

std::span<const config_section> config_sections();
/// Those of them in `[notify]`.
std::span<const config_key<settings>> notify_keys();
/// Keys of `[jobs.types."<type>"]`.
std::span<const config_key<type_settings>> type_keys();
/// Keys of `[notify.webhooks.<name>]`.
std::span<const config_key<webhook_settings>> webhook_keys();
/// Keys of `[notify.templates."<type>"]`.
std::span<const config_key<template_settings>> template_keys();

} // namespace jobcast::app
