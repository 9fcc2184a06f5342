#include "config_notify.hpp"

#include "jobcast/notify/address_rules.hpp"
#include "jobcast/notify/mailbox.hpp"
#include "jobcast/notify/signature.hpp"
#include "jobcast/notify/text_template.hpp"
#include "jobcast/notify/webhook.hpp"

#include <fmt/format.h>

namespace jobcast::app {

std::optional<std::string> check_webhook_secret(std::string_view text) {
  if (!notify::secret_key(text)) // the text itself is not for the screen
    return "must list secrets of the form whsec_<base64 of 24 to 64 bytes>; `openssl rand -base64 32` makes the base64";
  return std::nullopt;
}

std::optional<std::string> check_smtp_url(std::string_view text) {
  if (text.empty() || ((text.starts_with("smtp://") || text.starts_with("smtps://")) && text.find('@') == text.npos &&
                       text.find_first_of(" \r\n\t") == text.npos && text.back() != '/'))
    return std::nullopt;
  return "must be smtp://host[:port] or smtps://host[:port]; user and password have keys of their own";
}

std::optional<std::string> check_mailbox(std::string_view text) {
  if (text.empty() || notify::parse_mailbox(text))
    return std::nullopt;
  return "must be an address such as \"jobs@example.com\" or \"Jobs <jobs@example.com>\"";
}

std::optional<std::string> check_text_template(std::string_view text) {
  auto problem = notify::check_template(text);
  return problem.empty() ? std::nullopt : std::optional(std::move(problem));
}

std::vector<std::string> check_notify(const notify_settings& values, milliseconds retention) {
  std::vector<std::string> problems;
  const notify::address_rules rules(values.allow_internal);
  for (const auto& [name, webhook] : values.webhooks) {
    const auto key = fmt::format("notify.webhooks.\"{}\"", name);
    if (webhook.url.empty())
      problems.push_back(key + " lacks url");
    else if (const auto problem = notify::check_webhook_url(webhook.url, rules); !problem.empty())
      problems.push_back(fmt::format("{}.url {}", key, problem));
    if (webhook.secrets.empty())
      problems.push_back(key + " lacks secrets, so its receiver could not tell us from anyone");
  }
  if (!values.smtp_url.empty() && values.from.empty())
    problems.push_back("notify.from must be set when notify.smtp_url is");
  if (values.grace >= retention)
    problems.push_back("notify.grace must be shorter than jobs.retention: what is to be told must still be there");
  return problems;
}

} // namespace jobcast::app
