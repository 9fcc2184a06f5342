#include "refusal_text.hpp"

#include "jobcast/base/json_member.hpp"

#include "terminal_text.hpp"

#include <fmt/format.h>

namespace jobcast::app {

namespace {

// Of a body that is no problem document, such as a proxy's page.
constexpr std::size_t most_shown = 300;

} // namespace

std::string refusal_text(unsigned status, std::string_view body) {
  brief_json const parsed(body);
  auto const* const problem = parsed.object();
  auto const detail = problem ? text_member(*problem, "detail") : std::string_view();
  if (detail.empty())
    return fmt::format("the gateway answered {}: {}", status, terminal_text(body.substr(0, most_shown)));
  auto const field = terminal_text(text_member(*problem, "field"));
  return fmt::format("the gateway answered {}: {}{}{}", status, field, field.empty() ? "" : ": ",
                     terminal_text(detail));
}

} // namespace jobcast::app
