#include "refusal_text.hpp"

#include "jobcast/base/json_member.hpp"

#include <fmt/format.h>

namespace jobcast::app {

std::string refusal_text(unsigned status, std::string_view body) {
  brief_json const parsed(body);
  auto const* const problem = parsed.object();
  auto const detail = problem ? text_member(*problem, "detail") : std::string_view();
  if (detail.empty())
    return fmt::format("the gateway answered {}: {}", status, body);
  auto const field = text_member(*problem, "field");
  return fmt::format("the gateway answered {}: {}{}{}", status, field, field.empty() ? "" : ": ", detail);
}

} // namespace jobcast::app
