// From the credentials of a request to who asks. Pure: keys were read at start, and the time is given.
#pragma once

#include "jobcast/auth/jwt.hpp"
#include "jobcast/auth/watch_link.hpp"

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::auth {

/// An application or worker that may publish.
struct publisher {
  std::string name;
  std::vector<std::string> hashes; ///< hash_api_key() of each key that is good, two while one replaces the other
  std::vector<std::string> types;  ///< the only ones it may publish; empty: all
};

/// 256 random bits behind a prefix that secret scanners can look for.
std::string make_api_key();
/// `sha256:<hex>`, as it stands in the configuration: a key is random enough that no slow hash is needed.
std::string hash_api_key(std::string_view key);

/// What came with a request, empty where it did not.
struct credentials {
  std::string_view authorization{}; ///< the header's value
  std::string_view cookie_token{};  ///< the value of the configured cookie
  std::string_view link{};          ///< the parameter of that name
};

/// Whether that is an API key rather than something signed.
bool names_api_key(const credentials& given);

struct refusal {
  unsigned status;            ///< 400 or 401
  std::string_view detail;    ///< one sentence
  std::string_view field;     ///< where the credentials stood
  bool invalid_token = false; ///< for WWW-Authenticate (RFC 6750, section 3.1)
};

/// Immutable; shared by all reactors, and replaced as a whole when keys are read again.
class authenticator {
 public:
  /// Open: everyone may do everything.
  authenticator() = default;
  /// `metrics_hash`: hash_api_key() of the key for identify_scraper(); empty: there is none.
  authenticator(key_ring keys, token_rules rules, std::vector<publisher> publishers,
                std::vector<std::string> link_secrets, std::string metrics_hash = {});

  bool open() const { return open_; }
  bool makes_links() const { return !link_secrets_.empty(); }

  /// Null if there are no credentials at all. Wrong ones are refused even where none are needed. Of several kinds, the
  /// header counts first, then the link, since a cookie comes along by itself.
  boost::system::result<identity_ptr, refusal> identify(const credentials& given, std::int64_t now_ms) const;
  /// A token by itself, as over WebSocket.
  boost::system::result<identity_ptr, refusal> identify_token(std::string_view token, std::int64_t now_ms) const;
  /// Who reads metrics with the key for that alone; null if these are not its credentials. identify() refuses the key.
  identity_ptr identify_scraper(const credentials& given) const;
  /// Whether the key, secret or publisher behind this identity is still configured; null is who needs none.
  bool vouches_for(const identity* who) const;
  /// With the newest secret.
  std::string make_link(const watch_link& link) const { return sign_link(link, link_secrets_.front()); }

 private:
  bool open_ = true;
  key_ring keys_;
  token_rules rules_;
  std::vector<publisher> publishers_;
  std::vector<std::string> link_secrets_;
  std::string metrics_hash_;
  std::vector<std::uint64_t> fingerprints_; ///< of all of them
};

} // namespace jobcast::auth
