// What the values of `[notify]` must look like: single ones (a clause to follow the key's name, or nothing), and
// together.
#pragma once

#include "jobcast/base/settings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::app {

std::optional<std::string> check_webhook_secret(std::string_view text);
std::optional<std::string> check_smtp_url(std::string_view text);
std::optional<std::string> check_mailbox(std::string_view text);
std::optional<std::string> check_text_template(std::string_view text);

/// What `[notify]` lacks or what does not go together, each a sentence that begins with the key.
std::vector<std::string> check_notify(const notify_settings& values, milliseconds retention);

} // namespace jobcast::app
