// Watch links as URLs.
#pragma once

#include "jobcast/api/context.hpp"
#include "jobcast/auth/watch_link.hpp"

#include <string>

namespace jobcast::api {

/// The path and query under which an EventSource follows what the link names, signed where there are keys.
std::string link_url(const context& c, const auth::watch_link& link);

} // namespace jobcast::api
