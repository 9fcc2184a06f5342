#include "refusal_text.hpp"

#include "jobcast/base/json_members.hpp"

#include "terminal_text.hpp"

#include <fmt/format.h>

namespace jobcast::app {

namespace {

// Of a body that is no problem document, such as a proxy's page.
constexpr std::size_t most_shown = 300;

} // namespace

std::string refusal_text(unsigned status, std::string_view body) {
  std::string detail, field;
  for (json_members all(body); all.next();)
    if (all.name() == "detail")
      detail = json_text(all.value());
    else if (all.name() == "field")
      field = terminal_text(json_text(all.value()));
  if (detail.empty())
    return fmt::format("the gateway answered {}: {}", status, terminal_text(body.substr(0, most_shown)));
  return fmt::format("the gateway answered {}: {}{}{}", status, field, field.empty() ? "" : ": ",
                     terminal_text(detail));
}

} // namespace jobcast::app
