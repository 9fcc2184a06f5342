#include "jobcast/app/secrets.hpp"

#include <fmt/format.h>
#include <fstream>
#include <sstream>

namespace jobcast::app {

namespace {

std::optional<std::string> read_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in.is_open() || in.bad() || text.bad())
    return std::nullopt;
  return text.str();
}

std::string unreadable(std::string_view key, const std::string& file) {
  return fmt::format("{}: {} cannot be read; name a file that exists and may be read", key, file);
}

boost::system::result<auth::key, std::string> load_key(const std::string& kid, const auth_key_settings& values) {
  auto const name = fmt::format("auth.keys.\"{}\"", kid);
  auth::algorithm which{};
  auth::parse_algorithm(values.algorithm, which);
  if (which == auth::algorithm::hs256) {
    auto made = auth::key::from_secret(kid, values.secret);
    if (!made)
      return fmt::format("{}.secret: {}", name, made.error());
    return made;
  }
  auto const pem = read_file(values.file);
  if (!pem)
    return unreadable(name + ".file", values.file);
  auto made = auth::key::from_pem(kid, which, *pem);
  if (!made)
    return fmt::format("{}.file: {}: {}", name, values.file, made.error());
  return made;
}

} // namespace

boost::system::result<auth::key_ring, std::string> load_keys(const auth_settings& values) {
  auth::key_ring keys;
  if (!values.secret.empty()) {
    auto made = auth::key::from_secret({}, values.secret);
    if (!made)
      return "auth.secret: " + made.error();
    keys.push_back(std::move(*made));
  }
  for (auto const& [kid, one] : values.keys) {
    auto made = load_key(kid, one);
    if (!made)
      return made.error();
    keys.push_back(std::move(*made));
  }
  if (values.jwks_file.empty())
    return keys;
  auto const json = read_file(values.jwks_file);
  if (!json)
    return unreadable("auth.jwks_file", values.jwks_file);
  auto set = auth::keys_from_jwks(*json);
  if (!set)
    return fmt::format("auth.jwks_file: {}: {}", values.jwks_file, set.error());
  keys.insert(keys.end(), set->begin(), set->end());
  return keys;
}

boost::system::result<secrets, std::string> load_secrets(const settings& values) {
  secrets out;
  if (values.auth.enabled()) {
    auto keys = load_keys(values.auth);
    if (!keys)
      return keys.error();
    std::vector<auth::publisher> publishers;
    for (auto const& [name, one] : values.auth.publishers)
      publishers.push_back({name, one.hashes, one.types});
    out.auth = std::make_shared<const auth::authenticator>(
        std::move(*keys),
        auth::token_rules{values.auth.issuer, values.auth.audience, values.auth.leeway.count(),
                          values.limits.jobs_per_stream},
        std::move(publishers), values.auth.link_secrets, values.metrics.key);
  } else {
    out.auth = std::make_shared<const auth::authenticator>();
  }
  auto proxies = std::make_shared<net::networks>();
  for (const std::string& one : values.server.trusted_proxies)
    proxies->add(one);
  out.trusted_proxies = std::move(proxies);
  if (!values.server.tls_certificate.empty()) {
    auto tls = net::tls_context::server(values.server.tls_certificate, values.server.tls_key);
    if (!tls)
      return "server.tls_certificate, server.tls_key: " + tls.error();
    out.tls = std::move(*tls);
  }
  return out;
}

} // namespace jobcast::app
