#include "config_checks.hpp"

#include "jobcast/job/report_json.hpp"
#include "jobcast/net/listener.hpp"
#include "jobcast/net/networks.hpp"
#include "jobcast/redis/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>

namespace jobcast::app {

namespace {

constexpr std::size_t shortest_secret = 32;

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  return problem == std::errc() && end == text.data() + text.size();
}

bool is_lower_or(char c, std::string_view others) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || others.find(c) != std::string_view::npos;
}

bool is_key_hash(std::string_view text) {
  constexpr std::string_view prefix = "sha256:";
  const auto digits = text.substr(std::min(prefix.size(), text.size()));
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.starts_with(prefix) && digits.size() == 64 && std::all_of(digits.begin(), digits.end(), is_hex);
}

} // namespace

std::optional<std::string> check_not_empty(std::string_view text) {
  if (text.empty())
    return "must not be empty";
  return std::nullopt;
}

std::optional<std::string> check_listen(std::string_view text) {
  if (!net::parse_endpoint(text))
    return "must be host:port with a port up to 65535, such as \"127.0.0.1:8080\", \"[::1]:8080\" or "
           "\"localhost:8080\"";
  return std::nullopt;
}

std::optional<std::string> check_redis_url(std::string_view text) {
  if (text.empty())
    return std::nullopt;
  const auto where = redis::parse_url(text);
  return where ? std::nullopt : std::optional("cannot be used: " + where.error());
}

std::optional<std::string> check_namespace(std::string_view text) {
  const auto allowed = [](char c) { return is_lower_or(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ._:{}-"); };
  if (text.empty() || text.size() > 64 || !std::all_of(text.begin(), text.end(), allowed))
    return "must be 1 to 64 of A-Z a-z 0-9 . _ : - { }";
  return std::nullopt;
}

std::optional<std::string> check_origin(std::string_view text) {
  const auto scheme = text.starts_with("https://") ? 8u : text.starts_with("http://") ? 7u : 0u;
  auto host = text.substr(scheme);
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos && is_port(host.substr(colon + 1)))
    host = host.substr(0, colon);
  const auto allowed = [](char c) { return is_lower_or(c, ".-_[]:"); };
  if (!scheme || host.empty() || !std::all_of(host.begin(), host.end(), allowed))
    return fmt::format("must list exact origins such as \"https://app.example.com\", in lower case, without a path "
                       "and without *, not \"{}\"",
                       text);
  return std::nullopt;
}

std::optional<std::string> check_network(std::string_view text) {
  if (net::networks().add(text))
    return std::nullopt;
  return fmt::format("must list addresses or networks such as \"10.1.2.3\" or \"10.0.0.0/8\", not \"{}\"", text);
}

std::optional<std::string> check_secret(std::string_view text) {
  if (text.size() >= shortest_secret)
    return std::nullopt;
  return fmt::format("must have {} bytes or more, such as `openssl rand -base64 32` makes; this has {}",
                     shortest_secret, text.size());
}

std::optional<std::string> check_cookie_name(std::string_view text) {
  const auto allowed = [](char c) { return is_lower_or(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~"); };
  if (text.empty() || !std::all_of(text.begin(), text.end(), allowed))
    return "must be the name of a cookie, such as \"jobcast_token\"";
  return std::nullopt;
}

std::optional<std::string> check_key_hash(std::string_view text) {
  if (is_key_hash(text))
    return std::nullopt;
  // A key itself in its place would stand in the configuration in clear, so it is not repeated either.
  return "must list hashes as `jobcast key` prints them: sha256: and 64 hex digits";
}

std::optional<std::string> check_metrics_key(std::string_view text) {
  if (text.empty() || is_key_hash(text))
    return std::nullopt;
  return "must be a hash as `jobcast key --metrics` prints it: sha256: and 64 hex digits";
}

std::optional<std::string> check_type_name(std::string_view text) {
  if (job::is_type_name(text))
    return std::nullopt;
  return "must list type names: 1 to 64 of A-Z a-z 0-9 . _ : -";
}

std::optional<std::string> check_title(std::string_view text) {
  return text.empty() || text.size() > 200 ? std::optional<std::string>("must have 1 to 200 bytes") : std::nullopt;
}

std::optional<std::string> check_paragraph(std::string_view text) {
  return text.empty() || text.size() > 2000 ? std::optional<std::string>("must have 1 to 2000 bytes") : std::nullopt;
}

std::optional<std::string> check_link(std::string_view text) {
  const bool address = text.starts_with("https://") || text.starts_with("http://");
  const bool path = text.starts_with('/') && !text.starts_with("//") && !text.starts_with("/\\");
  const auto allowed = [](unsigned char c) {
    return c > 0x20 && c != 0x7f &&
           std::string_view("\"<>\\^`{|}").find(static_cast<char>(c)) == std::string_view::npos;
  };
  if (!(address || path) || text.size() > 2000 || !std::all_of(text.begin(), text.end(), allowed))
    return "must be an http or https address, or a path that begins with /";
  return std::nullopt;
}

std::vector<std::string> check_together(const settings& values) {
  std::vector<std::string> problems;
  const auto where = net::parse_endpoint(values.server.listen);
  if (where && !where->address().is_loopback() && !values.auth.enabled())
    problems.push_back(fmt::format("server.listen may only name this machine (127.0.0.0/8, [::1] or localhost, not {}) "
                                   "while [auth] has no keys; set auth.secret, for example",
                                   where->address().to_string()));
  if (values.auth.enabled() && values.auth.link_secrets.empty())
    problems.push_back("auth.link_secrets must be set where there are keys: a text of 32 bytes or more, the same on "
                       "all gateways, such as `openssl rand -base64 32` makes");
  if (!values.auth.secret.empty())
    if (const auto problem = check_secret(values.auth.secret))
      problems.push_back("auth.secret " + *problem);
  for (const auto& [kid, key] : values.auth.keys) {
    const bool shared = key.algorithm == "HS256";
    if (shared == key.secret.empty() || shared != key.file.empty())
      problems.push_back(fmt::format("auth.keys.\"{}\" must have a {} with algorithm {}, and no {}", kid,
                                     shared ? "secret" : "file", key.algorithm, shared ? "file" : "secret"));
  }
  for (const auto& [name, publisher] : values.auth.publishers)
    if (publisher.hashes.empty())
      problems.push_back(fmt::format("auth.publishers.\"{}\" must list hashes of its API keys", name));
  if (values.server.tls_certificate.empty() != values.server.tls_key.empty())
    problems.push_back("server.tls_certificate and server.tls_key must be set together");
  if (values.redis.tls_certificate.empty() != values.redis.tls_key.empty())
    problems.push_back("redis.tls_certificate and redis.tls_key must be set together");
  if (values.limits.reserve >= values.limits.connections)
    problems.push_back("limits.reserve must be less than limits.connections, of which it is a part");
  return problems;
}

} // namespace jobcast::app
