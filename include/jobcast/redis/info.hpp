// The answer of INFO: lines of `name:value`. Pure.
#pragma once

#include <string_view>

namespace jobcast::redis {

/// The value of `name`; empty if there is none.
std::string_view info_value(std::string_view info, std::string_view name);

} // namespace jobcast::redis
