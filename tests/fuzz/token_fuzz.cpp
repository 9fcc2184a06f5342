// Tokens: nothing that was not signed is taken, and what is taken was signed with a key of the ring, in the one
// spelling.
#include "jobcast/auth/jwt.hpp"
#include "require.hpp"

#include <cstdint>
#include <string>

using namespace jobcast::auth;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const key_ring keys{*key::from_secret("", "a secret for fuzzing, of 32 bytes or more")};
  static const token_rules rules;
  std::string_view const text(reinterpret_cast<const char*>(data), size);
  looks_like_token(text);
  // As it came: no input can know the signature.
  require(!verify_token(text, keys, rules, 0));
  // As claims that the issuer signed: whatever they say, they are read or refused.
  std::string const made = make_token(keys.front(), text);
  if (auto who = verify_token(made, keys, rules, 0)) {
    require((*who)->what == identity::kind::token && (*who)->expires_at > 0);
    require((*who)->jobs.size() <= rules.jobs_limit);
    require(!verify_token(made, keys, rules, (*who)->expires_at));
    require(!verify_token(made + "A", keys, rules, 0));
    require(!verify_token(std::string_view(made).substr(0, made.size() - 1), keys, rules, 0));
  }
  // As a set of keys: read or refused.
  (void)keys_from_jwks(text);
  return 0;
}
