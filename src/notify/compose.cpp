#include "jobcast/notify/compose.hpp"

#include "jobcast/notify/text_template.hpp"

namespace jobcast::notify {

namespace {

constexpr std::string_view default_subject =
    "{{#done}}Done{{/done}}{{#failed}}Failed{{/failed}}{{#cancelled}}Cancelled{{/cancelled}}: {{title}}"
    "{{#error.title}} - {{error.title}}{{/error.title}}";

constexpr std::string_view default_text =
    R"({{#done}}{{title}} is done.
{{/done}}{{#failed}}{{title}} failed.
{{/failed}}{{#cancelled}}{{title}} was cancelled.
{{/cancelled}}{{#result.url}}
{{result.url}}
{{/result.url}}{{#error.title}}
{{error.title}}
{{/error.title}}{{#error.detail}}{{error.detail}}
{{/error.detail}}{{#error.action}}
What to do: {{error.action}}
{{/error.action}}{{#error.link}}{{error.link}}
{{/error.link}}{{#error.reference}}
Reference for support: {{error.reference}}
{{/error.reference}})";

constexpr std::string_view default_html = R"(<!DOCTYPE html>
<html><body style="font-family: sans-serif">
{{#done}}<p><b>{{title}}</b> is done.</p>
{{/done}}{{#failed}}<p><b>{{title}}</b> failed.</p>
{{/failed}}{{#cancelled}}<p><b>{{title}}</b> was cancelled.</p>
{{/cancelled}}{{#result.url}}<p>{{result.url}}</p>
{{/result.url}}{{#error.title}}<p><b>{{error.title}}</b>{{#error.detail}}<br>{{error.detail}}{{/error.detail}}</p>
{{/error.title}}{{#error.action}}<p>What to do: {{error.action}}</p>
{{/error.action}}{{#error.link}}<p>{{error.link}}</p>
{{/error.link}}{{#error.reference}}<p>Reference for support: {{error.reference}}</p>
{{/error.reference}}</body></html>
)";

} // namespace

template_settings templates_for(std::string_view type, const notify_settings& config) {
  template_settings out;
  auto const fill = [&](std::string_view with_subject, std::string_view with_text, std::string_view with_html) {
    if (out.subject.empty())
      out.subject = with_subject;
    if (out.text.empty())
      out.text = with_text;
    if (out.html.empty())
      out.html = with_html;
  };
  for (std::string_view const name : {type, std::string_view("default")})
    if (auto const found = config.templates.find(std::string(name)); found != config.templates.end())
      fill(found->second.subject, found->second.text, found->second.html);
  fill(default_subject, default_text, default_html);
  return out;
}

email compose(const delivery& d, const notify_settings& config, std::string_view identity, std::int64_t now) {
  values const record(d.record);
  template_settings const use = templates_for(d.type, config);
  return {parse_mailbox(config.from).value_or(mailbox{"", "jobcast@localhost"}),
          d.to,
          render(use.subject, record, escaping::none),
          render(use.text, record, escaping::none),
          render(use.html, record, escaping::html),
          std::string(identity),
          now};
}

} // namespace jobcast::notify
