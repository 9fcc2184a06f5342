#include "jobcast/notify/request.hpp"

#include "jobcast/notify/mailbox.hpp"
#include "jobcast/notify/webhook.hpp"

#include <fmt/format.h>
#include <rapidjson/document.h>

namespace jobcast::notify {

namespace {

std::string check_webhook(std::string_view url, const notify_settings& config) {
  if (config.secrets.empty())
    return "is not offered here, since there is no secret to sign with; set notify.secrets";
  return check_webhook_url(url, address_rules(config.allow_internal));
}

std::string check_email(std::string_view address, const notify_settings& config) {
  if (config.smtp_url.empty())
    return "is not offered here, since there is no relay to send by; set notify.smtp_url";
  return is_address(address) ? "" : "must be one address such as zoe@example.com, in ASCII and without a name";
}

} // namespace

std::optional<job::field_problem> check_request(std::string_view json, const notify_settings& config) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject())
    return job::field_problem{"notify", "must be an object with webhook, email, or both"};
  for (auto const& member : document.GetObject()) {
    std::string_view const name(member.name.GetString(), member.name.GetStringLength());
    std::string const field = "notify." + std::string(name);
    if (name != "webhook" && name != "email")
      return job::field_problem{field, "is no member of notify, which has webhook and email"};
    if (&document.FindMember(member.name)->name != &member.name)
      return job::field_problem{field, "is given twice; keep one"};
    if (!member.value.IsString())
      return job::field_problem{field, "must be text"};
    std::string_view const value(member.value.GetString(), member.value.GetStringLength());
    if (auto problem = name == "webhook" ? check_webhook(value, config) : check_email(value, config); !problem.empty())
      return job::field_problem{field, std::move(problem)};
  }
  return std::nullopt;
}

} // namespace jobcast::notify
