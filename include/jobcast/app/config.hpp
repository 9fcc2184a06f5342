// From a TOML file and the environment to `settings`. One table of keys (src/app/config_keys.cpp) drives the file, the
// variables, what `jobcast check` prints and config/jobcast.toml.
//
// Every key `section.key` may also be given as JOBCAST_SECTION_KEY, which wins over the file; tables such as types are
// set in the file, or in JOBCAST_CONFIG, which holds a whole file as text. Durations are text like "500ms", "60s",
// "5m", "24h", "7d"; sizes are bytes or text like "64KiB", "1MiB"; lists in the environment are separated by commas.
// Start-up only, any thread.
#pragma once

#include "jobcast/base/settings.hpp"

#include <boost/system/result.hpp>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::app {

/// Each a sentence that names the place (file and line, or variable), the key, and what is accepted.
using config_errors = std::vector<std::string>;

/// Reads `file` if there is one, or the TOML text in JOBCAST_CONFIG, for containers; then `environment` ("NAME=value"),
/// and answers all that is wrong rather than the first. A key or section this version does not know is wrong, since a
/// misspelt limit would silently be no limit; variables are judged only within known sections, less those Kubernetes
/// sets for services (`..._SERVICE_HOST`,
/// `..._PORT`).
boost::system::result<settings, config_errors> load_settings(const std::optional<std::filesystem::path>& file,
                                                             std::span<const std::string_view> environment);

/// The same from the file's text; `file_name` is for errors.
boost::system::result<settings, config_errors> parse_settings(std::string_view toml, std::string_view file_name,
                                                              std::span<const std::string_view> environment);

/// "15m" and so on; nothing if it is none.
std::optional<milliseconds> parse_duration(std::string_view text);

/// Keys that differ and that a running gateway does not take over: "server.listen" and so on.
std::vector<std::string> keys_for_restart(const settings& running, const settings& fresh);

/// All values as TOML that would read back the same, but for passwords, which show as `***`.
std::string effective_config(const settings& values);

/// The text of config/jobcast.toml: every key with its meaning, what it accepts, and its default, commented out.
std::string documented_config();

} // namespace jobcast::app
