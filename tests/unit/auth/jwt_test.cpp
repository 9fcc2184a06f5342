#include "jobcast/auth/jwt.hpp"

#include "jobcast/auth/base64url.hpp"
#include "vectors.hpp"

#include <doctest/doctest.h>
#include <optional>

using namespace jobcast::auth;
using vectors::taken;

namespace {

constexpr std::int64_t now = 1'800'000'000'000;
const std::string secret = "a secret that is long enough for HS256, by far";
const key ours = taken(key::from_secret("main", secret));

std::optional<token_error> error_of(std::string_view token, const key_ring& keys = {ours},
                                    const token_rules& rules = {}) {
  auto const who = verify_token(token, keys, rules, now);
  return who ? std::nullopt : std::optional(who.error());
}

std::optional<token_error> error_of_claims(std::string_view claims, const token_rules& rules = {}) {
  return error_of(make_token(ours, claims), {ours}, rules);
}

identity_ptr identity_of(std::string_view claims, const token_rules& rules = {}) {
  auto const who = verify_token(make_token(ours, claims), {ours}, rules, now);
  REQUIRE(who.has_value());
  return *who;
}

// A token of any header and claims, with an HMAC made with `with`.
std::string forged(std::string_view header, std::string_view claims, std::string_view with) {
  std::string out = base64url_encode(header) + '.' + base64url_encode(claims);
  return out + '.' + base64url_encode(hmac_sha256(with, out));
}

constexpr auto good = R"({"sub":"user-7","exp":1800000060})";

} // namespace

TEST_CASE("the tokens of RFC 7515 verify until they expire") {
  for (auto const& [jwk, token] : {std::pair{vectors::hmac_jwk, vectors::hmac_token},
                                   {vectors::rsa_jwk, vectors::rsa_token},
                                   {vectors::ec_jwk, vectors::ec_token}}) {
    key_ring const keys = taken(keys_from_jwks(vectors::set_of(jwk)));
    CHECK(verify_token(token, keys, {.issuer = "joe"}, vectors::before_expiry).has_value());
    CHECK(verify_token(token, keys, {}, vectors::before_expiry + 1).error() == token_error::expired);
    CHECK(verify_token(token, keys, {.issuer = "jane"}, vectors::before_expiry).error() == token_error::wrong_issuer);
  }
}

TEST_CASE("a token without sub is known by its issuer") {
  CHECK(identity_of(R"({"exp":1800000060,"iss":"https://a.example"})")->name == "https://a.example");
  CHECK(identity_of(R"({"exp":1800000060,"iss":"https://a.example","sub":"svc"})")->name.empty());
  CHECK(identity_of(R"({"exp":1800000060,"iss":5})")->name.empty());
  CHECK(identity_of(R"({"exp":1800000060})")->name.empty());
}

TEST_CASE("any changed byte of a token is noticed") {
  for (std::size_t i = 0; i < vectors::ec_token.size(); ++i) {
    std::string changed = vectors::ec_token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    key_ring const keys = taken(keys_from_jwks(vectors::set_of(vectors::ec_jwk)));
    CHECK_FALSE_MESSAGE(verify_token(changed, keys, {}, vectors::before_expiry).has_value(), i);
  }
}

TEST_CASE("any shortened token is refused") {
  std::string const token = make_token(ours, good);
  CHECK(error_of(token) == std::nullopt);
  for (std::size_t size = 0; size < token.size(); ++size)
    CHECK(error_of(token.substr(0, size)) != std::nullopt);
  CHECK(error_of(token + ".x") == token_error::malformed);
  CHECK(error_of(token + "=") == token_error::malformed);
}

TEST_CASE("a token without a signature is refused, however it spells `none`") {
  for (const char* alg : {"none", "None", "NONE", "nOnE", ""}) {
    std::string const header = std::string(R"({"alg":")") + alg + R"("})";
    std::string const text = base64url_encode(header) + '.' + base64url_encode(good) + '.';
    CHECK(error_of(text) == token_error::unsupported);
    CHECK(error_of(forged(header, good, secret)) == token_error::unsupported);
  }
  CHECK(error_of(base64url_encode(R"({"alg":"HS256"})") + '.' + base64url_encode(good) + '.') ==
        token_error::bad_signature);
}

TEST_CASE("a public key does not verify a token made with it as an HMAC secret") {
  key_ring const keys = taken(keys_from_jwks(vectors::set_of(vectors::rsa_jwk)));
  for (std::string const& with :
       {vectors::rsa_modulus, vectors::rsa_jwk, base64url_decode(vectors::rsa_modulus).value()})
    CHECK(error_of(forged(R"({"alg":"HS256"})", good, with), keys) == token_error::unknown_key);
}

TEST_CASE("a key takes only its own algorithm") {
  CHECK(error_of(forged(R"({"alg":"RS256"})", good, secret)) == token_error::unknown_key);
  CHECK(error_of(forged(R"({"alg":"HS512"})", good, secret)) == token_error::unsupported);
  CHECK(error_of(forged(R"({"alg":5})", good, secret)) == token_error::malformed);
  CHECK(error_of(forged(R"({})", good, secret)) == token_error::malformed);
}

TEST_CASE("an ES256 signature of zeros, or in DER, is refused") {
  key_ring const keys = taken(keys_from_jwks(vectors::set_of(vectors::ec_jwk)));
  std::string const text = vectors::ec_token.substr(0, vectors::ec_token.rfind('.') + 1);
  CHECK_FALSE(
      verify_token(text + base64url_encode(std::string(64, '\0')), keys, {}, vectors::before_expiry).has_value());
  CHECK_FALSE(verify_token(text + base64url_encode(std::string("0\6\2\1\0\2\1\0", 8)), keys, {}, vectors::before_expiry)
                  .has_value());
}

TEST_CASE("keys that a token brings along are not looked at, and what must be understood is refused") {
  std::string const other = "another secret, also long enough for HS256";
  std::string const embedded =
      R"({"alg":"HS256","jwk":{"kty":"oct","k":")" + base64url_encode(other) + R"("},"jku":"https://evil.example"})";
  CHECK(error_of(forged(embedded, good, other)) == token_error::bad_signature);
  CHECK(error_of(forged(R"({"alg":"HS256","crit":["exp"]})", good, secret)) == token_error::unsupported);
  CHECK(error_of(forged(R"({"alg":"HS256","alg":"none"})", good, secret)) == token_error::malformed);
}

TEST_CASE("the kid chooses the key; without one every key of the algorithm is tried") {
  key const next = taken(key::from_secret("next", "the secret that replaces the other one soon"));
  key const nameless = taken(key::from_secret("", secret));
  CHECK(error_of(make_token(next, good), {ours, next}) == std::nullopt);
  CHECK(error_of(make_token(next, good), {ours}) == token_error::unknown_key);
  CHECK(error_of(forged(R"({"alg":"HS256","kid":"next"})", good, secret), {ours, next}) == token_error::bad_signature);
  CHECK(error_of(make_token(nameless, good), {next, ours}) == std::nullopt);
  CHECK(error_of(make_token(ours, good), {nameless}) == std::nullopt);
  CHECK(error_of(forged(R"({"alg":"HS256","kid":7})", good, secret)) == token_error::malformed);
}

TEST_CASE("expiry is required and looked at with the leeway") {
  CHECK(error_of_claims(R"({"sub":"a"})") == token_error::no_expiry);
  CHECK(error_of_claims(R"({"exp":1800000000})") == token_error::expired);
  CHECK(error_of_claims(R"({"exp":1800000001})") == std::nullopt);
  CHECK(error_of_claims(R"({"exp":1799999971})", {.leeway_ms = 30'000}) == std::nullopt);
  CHECK(error_of_claims(R"({"exp":1799999970})", {.leeway_ms = 30'000}) == token_error::expired);
  for (const char* wrong : {R"("soon")", "1e300", "-1", "true", "[1800000060]"})
    CHECK(error_of_claims(std::string(R"({"exp":)") + wrong + "}") == token_error::unusable_exp);
}

TEST_CASE("a token may begin to be valid later") {
  CHECK(error_of_claims(R"({"exp":1800000060,"nbf":1800000030})") == token_error::not_yet_valid);
  CHECK(error_of_claims(R"({"exp":1800000060,"nbf":1800000030})", {.leeway_ms = 30'000}) == std::nullopt);
}

TEST_CASE("a token for another audience is refused") {
  constexpr auto for_us = R"({"exp":1800000060,"aud":"jobcast"})";
  constexpr auto for_several = R"({"exp":1800000060,"aud":["mail","jobcast"]})";
  CHECK(error_of_claims(for_us, {.audience = "jobcast"}) == std::nullopt);
  CHECK(error_of_claims(for_several, {.audience = "jobcast"}) == std::nullopt);
  CHECK(error_of_claims(for_several, {.audience = "other"}) == token_error::wrong_audience);
  CHECK(error_of_claims(good, {.audience = "jobcast"}) == token_error::wrong_audience);
  CHECK(error_of_claims(for_us) == token_error::wrong_audience);
}

TEST_CASE("claims become an identity") {
  identity_ptr const who = identity_of(
      R"({"exp":1800000060,"sub":"user-7","tenant":"acme","jobs":["a","b"],"scope":"openid jobs:read:all operator"})");
  CHECK(who->what == identity::kind::token);
  CHECK(who->sub == "user-7");
  CHECK(who->tenant == "acme");
  CHECK(who->jobs == std::vector<std::string>{"a", "b"});
  CHECK(who->read_all);
  CHECK(who->operate);
  CHECK_FALSE(who->publish);
  CHECK(who->expires_at == 1'800'000'060'000);
  CHECK(identity_of(R"({"exp":1800000060,"scope":["jobs:publish"]})")->publish);
  CHECK_FALSE(identity_of(R"({"exp":1800000060,"scope":"jobs:publisher xjobs:publish"})")->publish);
}

TEST_CASE("a claim that cannot be used is named") {
  struct {
    const char* claim;
    token_error error;
  } const wrong[] = {
      {R"("nbf":"soon")", token_error::unusable_nbf},   {R"("sub":5.5)", token_error::unusable_sub},
      {R"("sub":1e3)", token_error::unusable_sub},      {R"("sub":["a"])", token_error::unusable_sub},
      {R"("sub":true)", token_error::unusable_sub},     {R"("tenant":["a"])", token_error::unusable_tenant},
      {R"("tenant":{})", token_error::unusable_tenant}, {R"("jobs":"a")", token_error::unusable_jobs},
      {R"("jobs":[1.5])", token_error::unusable_jobs},  {R"("jobs":[""])", token_error::unusable_jobs},
      {R"("scope":5)", token_error::unusable_scope},    {R"("scope":[5])", token_error::unusable_scope}};
  for (auto const& [claim, error] : wrong) {
    auto const found = error_of_claims(std::string(R"({"exp":1800000060,)") + claim + "}");
    CHECK_MESSAGE(found == error, claim);
    std::string const name = '`' + std::string(claim).substr(1, std::string(claim).find(':') - 2) + '`';
    CHECK_MESSAGE(describe(error).find(name) != std::string_view::npos, name);
  }
  CHECK(error_of_claims(R"({"exp":1800000060,"sub":")" + std::string(129, 'x') + R"("})") == token_error::unusable_sub);
}

TEST_CASE("a number stands for the name that its digits are, all of them") {
  for (std::string digits : {"0", "7", "9007199254740993", "9223372036854775807", "9223372036854775808",
                             "9999999999999999999", "-5", "-9223372036854775808"}) {
    identity_ptr const who =
        identity_of(R"({"exp":1800000060,"sub":)" + digits + R"(,"tenant":)" + digits + R"(,"jobs":[)" + digits + "]}");
    REQUIRE(who);
    CHECK(who->sub == digits);
    CHECK(who->tenant == digits);
    CHECK(who->jobs == std::vector<std::string>{digits});
  }
  for (std::string beyond : {"10000000000000000000", "18446744073709551615", "18446744073709551616", "1e18", "7.0"})
    CHECK_MESSAGE(error_of_claims(R"({"exp":1800000060,"sub":)" + beyond + "}") == token_error::unusable_sub, beyond);
}

TEST_CASE("a claim that is there twice is refused") {
  CHECK(error_of_claims(R"({"exp":1800000060,"sub":"a","sub":"b"})") == token_error::malformed);
  CHECK(error_of_claims(R"([1])") == token_error::malformed);
}

TEST_CASE("what has the form of a token is recognized in a URL") {
  CHECK(looks_like_token(vectors::hmac_token));
  CHECK(looks_like_token("eyJhbGciOiJub25lIn0.e30."));
  CHECK_FALSE(looks_like_token("report.2026.pdf"));
  CHECK_FALSE(looks_like_token("eyJ0"));
}

TEST_CASE("a header of more members than any issuer writes is malformed") {
  std::string header = R"({"alg":"HS256")";
  for (int i = 0; i < 100; ++i)
    header += ",\"m" + std::to_string(i) + "\":1";
  CHECK(error_of(forged(header + "}", good, secret)) == token_error::malformed);
}

TEST_CASE("a member that stands twice is found wherever it stands") {
  CHECK(error_of(forged(R"({"alg":"HS256","kid":"main","x":1,"alg":"HS256"})", good, secret)) ==
        token_error::malformed);
  CHECK(error_of_claims(R"({"sub":"a","exp":1800000060,"z":1,"sub":"b"})") == token_error::malformed);
  CHECK_FALSE(error_of_claims(R"({"sub":"a","exp":1800000060,"su":1,"subs":"b"})").has_value());
}
