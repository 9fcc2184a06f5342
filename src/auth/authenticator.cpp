#include "jobcast/auth/authenticator.hpp"

#include "jobcast/auth/base64url.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdexcept>

namespace jobcast::auth {

namespace {

constexpr std::string_view api_key_prefix = "jck_";

// The token of `Bearer <token>` (RFC 6750, section 2.1), or empty.
std::string_view bearer_of(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size() ||
      !std::equal(scheme.begin(), scheme.end(), authorization.begin(),
                  [](char a, unsigned char b) { return a == std::tolower(b); }))
    return {};
  authorization.remove_prefix(scheme.size());
  while (authorization.starts_with(' '))
    authorization.remove_prefix(1);
  return authorization;
}

std::uint64_t fingerprint_of_publisher(const publisher& p, std::string_view hash) {
  return fingerprint_of(fmt::format("{}\n{}\n{}", p.name, hash, fmt::join(p.types, "\n")));
}

identity_ptr identity_of(const publisher& p, std::string_view hash) {
  boost::intrusive_ptr<identity> const who(new identity);
  who->what = identity::kind::api_key;
  who->publish = true;
  who->name = p.name;
  who->types = p.types;
  who->vouched_by = fingerprint_of_publisher(p, hash);
  return who;
}

} // namespace

bool names_api_key(const credentials& given) {
  return bearer_of(given.authorization).starts_with(api_key_prefix);
}

std::string make_api_key() {
  unsigned char random[32];
  if (RAND_bytes(random, sizeof random) != 1)
    throw std::runtime_error("no random bytes to be had");
  return std::string(api_key_prefix) + base64url_encode({reinterpret_cast<char*>(random), sizeof random});
}

std::string hash_api_key(std::string_view key) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(key.data(), key.size(), digest, &size, EVP_sha256(), nullptr);
  std::string out = "sha256:";
  for (unsigned i = 0; i < size; ++i)
    out += fmt::format("{:02x}", digest[i]);
  return out;
}

authenticator::authenticator(key_ring keys, token_rules rules, std::vector<publisher> publishers,
                             std::vector<std::string> link_secrets, std::string metrics_hash)
    : open_(false)
    , keys_(std::move(keys))
    , rules_(std::move(rules))
    , publishers_(std::move(publishers))
    , link_secrets_(std::move(link_secrets))
    , metrics_hash_(std::move(metrics_hash)) {
  for (const key& k : keys_)
    fingerprints_.push_back(k.fingerprint());
  for (const publisher& p : publishers_)
    for (const std::string& hash : p.hashes)
      fingerprints_.push_back(fingerprint_of_publisher(p, hash));
  for (const std::string& secret : link_secrets_)
    fingerprints_.push_back(fingerprint_of(secret));
}

bool authenticator::vouches_for(const identity* who) const {
  if (!who || who->what == identity::kind::open)
    return open_;
  return who->what == identity::kind::nobody ||
         std::find(fingerprints_.begin(), fingerprints_.end(), who->vouched_by) != fingerprints_.end();
}

boost::system::result<identity_ptr, refusal> authenticator::identify_token(std::string_view token,
                                                                           std::int64_t now_ms) const {
  if (token.starts_with(api_key_prefix)) {
    std::string const hash = hash_api_key(token);
    for (const publisher& p : publishers_)
      for (const std::string& good : p.hashes)
        if (equal_in_constant_time(hash, good))
          return identity_of(p, good);
    if (equal_in_constant_time(hash, metrics_hash_))
      return refusal{401, "This key opens /metrics and nothing else.", "Authorization", true};
    return refusal{401, "This API key is not known, or was taken back.", "Authorization", true};
  }
  auto who = verify_token(token, keys_, rules_, now_ms);
  if (who)
    return std::move(*who);
  return refusal{401, describe(who.error()), "Authorization", true};
}

identity_ptr authenticator::identify_scraper(const credentials& given) const {
  std::string_view const key = bearer_of(given.authorization);
  if (metrics_hash_.empty() || !key.starts_with(api_key_prefix) ||
      !equal_in_constant_time(hash_api_key(key), metrics_hash_))
    return {};
  boost::intrusive_ptr<identity> const who(new identity);
  who->what = identity::kind::api_key;
  who->operate = true;
  who->name = "metrics";
  return who;
}

boost::system::result<identity_ptr, refusal> authenticator::identify(const credentials& given,
                                                                     std::int64_t now_ms) const {
  if (open_) {
    static const thread_local identity_ptr anyone = [] {
      auto* const who = new identity;
      who->what = identity::kind::open;
      return identity_ptr(who);
    }();
    return anyone;
  }
  if (!given.authorization.empty()) {
    std::string_view const token = bearer_of(given.authorization);
    if (token.empty())
      return refusal{401, "Send the token or API key as `Authorization: Bearer <token>`.", "Authorization", true};
    return identify_token(token, now_ms);
  }
  if (!given.link.empty()) {
    auto who = verify_link(given.link, link_secrets_, now_ms);
    if (who)
      return std::move(*who);
    return refusal{401, describe(who.error()), "link"};
  }
  if (given.cookie_token.empty())
    return identity_ptr();
  auto who = verify_token(given.cookie_token, keys_, rules_, now_ms);
  if (!who)
    return refusal{401, describe(who.error()), "Cookie", true};
  boost::intrusive_ptr<identity> const by_cookie(new identity(**who));
  by_cookie->by_cookie = true;
  return identity_ptr(by_cookie);
}

} // namespace jobcast::auth
