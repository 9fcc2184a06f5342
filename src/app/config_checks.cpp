#include "config_checks.hpp"

#include "jobcast/net/listener.hpp"
#include "jobcast/redis/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>

namespace jobcast::app {

namespace {

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  return problem == std::errc() && end == text.data() + text.size();
}

bool is_lower_or(char c, std::string_view others) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || others.find(c) != std::string_view::npos;
}

} // namespace

std::optional<std::string> check_not_empty(std::string_view text) {
  if (text.empty())
    return "must not be empty";
  return std::nullopt;
}

std::optional<std::string> check_listen(std::string_view text) {
  const auto where = net::parse_endpoint(text);
  if (!where)
    return "must be host:port, such as \"127.0.0.1:8080\", \"[::1]:8080\" or \"localhost:8080\"";
  if (!where->address().is_loopback())
    return fmt::format("may only name this machine (127.0.0.0/8, [::1] or localhost, not {}), because viewers are not "
                       "authenticated; put a proxy that authenticates them in front",
                       where->address().to_string());
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

} // namespace jobcast::app
