#include "prepare.hpp"

#include "jobcast/notify/compose.hpp"
#include "jobcast/notify/mailbox.hpp"
#include "queue.hpp"

namespace jobcast::notify {

namespace {

using prepared = boost::system::result<std::unique_ptr<transfer>, std::string>;

prepared webhook(const delivery& d, const std::string& url, const std::vector<std::string>& secrets,
                 const notify_settings& config, std::string_view ns, std::int64_t now) {
  std::string body = webhook_body(d);
  auto const headers = webhook_headers(identity(d, ns), body, now, secrets);
  return transfer::webhook(url, headers, std::move(body), config);
}

prepared mail(const delivery& d, const notify_settings& config, std::string_view ns, std::int64_t now) {
  if (config.smtp_url.empty())
    return std::string("there is no relay; set notify.smtp_url");
  if (!is_address(d.to))
    return std::string("the address cannot be used");
  email const made = compose(d, config, identity(d, ns), now);
  return transfer::email(made.from.address, d.to, message(made), config);
}

} // namespace

prepared prepare(const delivery& d, const notify_settings& config, std::string_view ns, std::int64_t now) {
  if (d.tries > config.schedule.size() + 1)
    return std::string("the last try ended with its gateway, so its outcome is not known");
  if (d.channel == "email")
    return mail(d, config, ns, now);
  if (auto const* hook = hook_of(d.channel, config))
    return webhook(d, hook->url, hook->secrets, config, ns, now);
  if (config.secrets.empty())
    return std::string("there is no secret to sign with; set notify.secrets");
  // Whoever reaches Redis can make a job whose URL no gateway has seen.
  if (auto const problem = check_webhook_url(d.to, address_rules(config.allow_internal)); !problem.empty())
    return "the URL " + problem;
  return webhook(d, d.to, config.secrets, config, ns, now);
}

} // namespace jobcast::notify
