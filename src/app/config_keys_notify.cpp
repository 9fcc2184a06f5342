// The keys of `[notify]` and of the tables in it.
#include "config_keys.hpp"

#include "config_checks.hpp"
#include "config_notify.hpp"

#include <array>

namespace jobcast::app {

namespace {

constexpr std::array<std::string_view, 3> tls_policies{"required", "opportunistic", "off"};

template <auto Member>
target in(settings& values) {
  return &(values.notify.*Member);
}

const config_key<settings> notify_rows[] = {
    {"grace",
     "How long an outcome may go unseen before it is told; an error of high severity is told at once.",
     in<&notify_settings::grace>,
     {.max = 7 * day}},
    {"schedule",
     "Pauses after failed tries, stretched by up to a fifth; when all are used up, what is left is a dead letter.",
     in<&notify_settings::schedule>,
     {.max = 7 * day}},
    {"timeout", "The longest that one try may take.", in<&notify_settings::timeout>, {.min = 100, .max = 5 * minute}},
    {"concurrency",
     "Tries at once, for each webhook below, for those that jobs name, and for e-mail.",
     in<&notify_settings::concurrency>,
     {.min = 1, .max = 1000}},
    {"dead_letters",
     "How many dead letters are kept for `jobcast notify`; the oldest give way.",
     in<&notify_settings::dead_letters>,
     {.max = million}},
    {"waiting",
     "How many notifications may wait on one channel; another is a dead letter at once.",
     in<&notify_settings::waiting>,
     {.min = 1, .max = 10 * million}},
    {"allow_internal",
     "Internal networks that webhooks may reach, for example \"10.0.0.0/8\". All others are refused.",
     in<&notify_settings::allow_internal>,
     {.check = check_network}},
    {"secrets",
     "Sign the webhooks that jobs name, each with every secret: whsec_ and base64 of 24 to 64 bytes. None: jobs may "
     "name none.",
     in<&notify_settings::secrets>,
     {.check = check_webhook_secret, .secret = true}},
    {"ca_file", "Certificate authorities to trust (PEM); empty: the system's.", in<&notify_settings::ca_file>},
    {"smtp_url",
     "Relay for e-mail: smtp://host[:587], or smtps://host[:465] for TLS from the start; empty: no e-mail.",
     in<&notify_settings::smtp_url>,
     {.check = check_smtp_url}},
    {"smtp_tls",
     "Whether STARTTLS is required, used if offered, or not used.",
     in<&notify_settings::smtp_tls>,
     {.choices = tls_policies}},
    {"smtp_user", "User name at the relay; empty: no login.", in<&notify_settings::smtp_user>},
    {"smtp_password", "Password at the relay.", in<&notify_settings::smtp_password>, {.secret = true}},
    {"from",
     "Sender of e-mails: jobs@example.com or Jobs <jobs@example.com>.",
     in<&notify_settings::from>,
     {.check = check_mailbox}},
};

template <auto Member>
target of_webhook(webhook_settings& webhook) {
  return &(webhook.*Member);
}

const config_key<webhook_settings> webhook_rows[] = {
    {"url",
     "Where outcomes are sent.",
     of_webhook<&webhook_settings::url>,
     {},
     nullptr,
     "\"https://shop.example.com/hooks/jobs\""},
    {"secrets",
     "Each signs; two while a receiver moves from one to the next.",
     of_webhook<&webhook_settings::secrets>,
     {.check = check_webhook_secret, .secret = true},
     nullptr,
     "[\"whsec_YW4gZXhhbXBsZTogbWFrZSB5b3VyIG93biE=\"]"},
};

template <auto Member>
target of_template(template_settings& texts) {
  return &(texts.*Member);
}

const config_key<template_settings> template_rows[] = {
    {"subject",
     "Subject.",
     of_template<&template_settings::subject>,
     {.check = check_text_template},
     nullptr,
     "\"Your export {{id}}\""},
    {"text",
     "Plain text.",
     of_template<&template_settings::text>,
     {.check = check_text_template},
     nullptr,
     "\"{{#done}}It is ready.{{/done}}{{#failed}}{{error.title}}{{/failed}}\""},
    {"html", "HTML.", of_template<&template_settings::html>, {.check = check_text_template}, nullptr, "\"<p>...</p>\""},
};

} // namespace

std::span<const config_key<settings>> notify_keys() {
  return notify_rows;
}
const config_table<webhook_settings>& webhook_table() {
  static const config_table<webhook_settings> table{
      "notify",
      "webhooks",
      "Webhooks that are told every outcome: one table each, of any name.",
      "shop",
      [](settings& s) -> std::map<std::string, webhook_settings>& { return s.notify.webhooks; },
      webhook_rows};
  return table;
}
const config_table<template_settings>& template_table() {
  static const config_table<template_settings> table{
      "notify",
      "templates",
      "E-mails, by type of job; \"default\" is for types without a table. What is left out is the program's own.\n"
      "# {{name}} is a field of the record, {{#name}}...{{/name}} stays if it has a value, {{^name}}...{{/name}} if "
      "not.",
      "report.pdf",
      [](settings& s) -> std::map<std::string, template_settings>& { return s.notify.templates; },
      template_rows};
  return table;
}

} // namespace jobcast::app
