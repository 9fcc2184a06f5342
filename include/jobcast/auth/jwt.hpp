// JSON Web Tokens (RFC 7519) in compact form (RFC 7515), checked by the rules of RFC 8725. Pure: keys and time are
// given.
#pragma once

#include "jobcast/auth/identity.hpp"
#include "jobcast/auth/key.hpp"

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace jobcast::auth {

struct token_rules {
  std::string issuer{};         ///< `iss` must be this, if set
  std::string audience{};       ///< `aud` must hold this, if set; unset, a token with an `aud` is for someone else
  std::int64_t leeway_ms = 0;   ///< how far clocks may differ
  std::size_t jobs_limit = 200; ///< ids one token may name
};

/// Why a token is refused.
enum class token_error : std::uint8_t {
  malformed,       ///< not three parts of base64url, or not the JSON that belongs there
  unsupported,     ///< another algorithm, or an extension that must be understood (`crit`)
  unknown_key,     ///< no key has its kid and algorithm
  bad_signature,   ///<
  expired,         ///<
  not_yet_valid,   ///<
  no_expiry,       ///< `exp` is required: a stream ends with its token
  wrong_issuer,    ///<
  wrong_audience,  ///<
  unusable_exp,    ///< the claim of that name is not what jobcast can use, as those that follow
  unusable_nbf,    ///<
  unusable_sub,    ///<
  unusable_tenant, ///<
  unusable_jobs,   ///<
  unusable_scope,  ///<
};

/// One sentence for whoever made the token; holds nothing of it.
std::string_view describe(token_error e);

/// Whether a text has the form of a token, valid or not: what must never stand in a URL.
bool looks_like_token(std::string_view text);

/// Verifies signature and claims. `now_ms` is the wall clock. Only claims that are signed are looked at, and the
/// algorithm is the key's own: the token's `alg` must agree with it.
boost::system::result<identity_ptr, token_error> verify_token(std::string_view token, const key_ring& keys,
                                                              const token_rules& rules, std::int64_t now_ms);

/// A signed token of these claims (a JSON object). Empty if the key cannot sign.
std::string make_token(const key& signing, std::string_view claims);

} // namespace jobcast::auth
