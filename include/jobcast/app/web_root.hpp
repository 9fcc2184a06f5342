// Judges the folder that is served at `/`.
#pragma once

#include <optional>
#include <string>

namespace jobcast::app {

/// What is wrong with `web.root`, as a sentence that names the setting and the path; nothing if its files can be
/// served.
std::optional<std::string> web_root_problem(const std::string& root);

} // namespace jobcast::app
