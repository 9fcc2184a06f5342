#include "report_fields.hpp"

#include <algorithm>
#include <array>

namespace jobcast::job {

namespace {

using namespace std::string_view_literals;

constexpr std::array containers{"progress"sv, "error"sv, "labels"sv};
constexpr std::array raw_names{"result"sv, "input"sv, "notify"sv};
constexpr std::array progress_names{"percent"sv, "current"sv, "total"sv, "unit"sv, "step"sv, "message"sv, "eta"sv};
constexpr std::array text_names{
    "id"sv,           "status"sv,       "type"sv,           "owner"sv,      "tenant"sv,          "group"sv,
    "by"sv,           "unit"sv,         "step"sv,           "message"sv,    "error.code"sv,      "error.title"sv,
    "error.detail"sv, "error.action"sv, "error.severity"sv, "error.link"sv, "error.reference"sv, "error.trace"sv};

constexpr std::array side_names{"by"sv,       "max_attempts"sv, "group_size"sv, "lease"sv,
                                "retry_in"sv, "retry_at"sv,     "result"sv};
constexpr std::array error_names{"error.code"sv,      "error.title"sv,     "error.detail"sv,
                                 "error.action"sv,    "error.severity"sv,  "error.link"sv,
                                 "error.reference"sv, "error.retryable"sv, "error.trace"sv};

constexpr bool holds(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

bool is_side_field(std::string_view name) {
  return holds(side_names, name) || holds(progress_names, name) || holds(error_names, name) ||
         holds(containers, name) || name.starts_with("labels.");
}

field_rule rule_for(std::string_view container, std::string_view key) {
  if (container.empty() && holds(containers, key))
    return {std::string(key), takes::members};
  if (container.empty() && holds(raw_names, key))
    return {std::string(key), takes::raw};

  std::string name(container);
  name.append(container.empty() ? "" : ".").append(key);
  // Only true members of progress lose their prefix: `"progress":{"status":"done"}` must not become a status.
  constexpr auto prefix = "progress."sv;
  if (name.starts_with(prefix) && holds(progress_names, std::string_view(name).substr(prefix.size())))
    name.erase(0, prefix.size());
  const bool text = holds(text_names, name) || name.starts_with("labels.");
  return {std::move(name), text ? takes::text : takes::scalar};
}

} // namespace jobcast::job
