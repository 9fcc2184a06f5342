// TOML text as a flat list of what it sets, so that the rest of the config code knows nothing of the TOML library.
#pragma once

#include "config_value.hpp"

#include <boost/system/result.hpp>

namespace jobcast::app {

struct config_entry {
  std::vector<std::string> path; ///< section, key; deeper for tables in tables
  unsigned line = 0;             ///< from 1
  bool table = false;            ///< a table; its members follow
  given_value value;             ///< if not a table
};

/// In the order of their lines, a table before its members. The error reads `<line>: <what>`; the parser stops at the
/// first.
boost::system::result<std::vector<config_entry>, std::string> read_toml(std::string_view text);

} // namespace jobcast::app
