// The `notify` member of a job that is being created: `{"webhook":"https://...","email":"zoe@example.com"}`. Pure.
#pragma once

#include "jobcast/base/settings.hpp"
#include "jobcast/job/report_json.hpp"

#include <optional>
#include <string_view>

namespace jobcast::notify {

/// What is wrong with it, or nothing. What this gateway could not deliver is wrong too: better refused now than found
/// out when the outcome is due.
std::optional<job::field_problem> check_request(std::string_view json, const notify_settings& config);

} // namespace jobcast::notify
