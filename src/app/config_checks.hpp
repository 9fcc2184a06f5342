// What single values must look like beyond their type. Each answers what to change, as a clause to follow the key's
// name, or nothing.
#pragma once

#include "jobcast/base/settings.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jobcast::app {

std::optional<std::string> check_not_empty(std::string_view text);
/// host:port. Port 0 lets the system choose.
std::optional<std::string> check_listen(std::string_view text);
/// Never repeats the text, since it may hold a password.
std::optional<std::string> check_redis_url(std::string_view text);
std::optional<std::string> check_namespace(std::string_view text);
/// scheme://host[:port] as browsers send it (RFC 6454): no path, no `*`.
std::optional<std::string> check_origin(std::string_view text);
/// An address, or a network such as 10.0.0.0/8.
std::optional<std::string> check_network(std::string_view text);
/// 32 bytes or more. Never repeats the text.
std::optional<std::string> check_secret(std::string_view text);
/// A token of RFC 9110, section 5.6.2.
std::optional<std::string> check_cookie_name(std::string_view text);
/// `sha256:` and 64 hex digits.
std::optional<std::string> check_key_hash(std::string_view text);
std::optional<std::string> check_metrics_key(std::string_view text);
std::optional<std::string> check_type_name(std::string_view text);
/// What viewers are told of a failure, as long as the record takes.
std::optional<std::string> check_title(std::string_view text);
std::optional<std::string> check_paragraph(std::string_view text);
/// An http or https address, or a path: nothing that a browser would run.
std::optional<std::string> check_link(std::string_view text);

/// What must hold between keys: sentences that name the key to change.
std::vector<std::string> check_together(const settings& values);

} // namespace jobcast::app
