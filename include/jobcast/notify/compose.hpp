// From an outcome to the e-mail that tells it: the templates of its type, filled in. Pure.
#pragma once

#include "jobcast/base/settings.hpp"
#include "jobcast/notify/mime.hpp"
#include "jobcast/notify/webhook.hpp"

namespace jobcast::notify {

/// The type's templates; what they leave out is `default`'s, then the program's.
template_settings templates_for(std::string_view type, const notify_settings& config);

/// The e-mail of a delivery on channel `email`.
email compose(const delivery& d, const notify_settings& config, std::string_view identity, std::int64_t now);

} // namespace jobcast::notify
