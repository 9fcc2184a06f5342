#include "jobcast/auth/key.hpp"

#include "jobcast/auth/base64url.hpp"
#include "vectors.hpp"

#include <doctest/doctest.h>

using namespace jobcast::auth;
using vectors::taken;

namespace {

std::string refusal_of(const std::string& jwk) {
  auto const read = keys_from_jwks(vectors::set_of(jwk));
  return read ? std::string() : read.error();
}

} // namespace

TEST_CASE("the Ed25519 signature of RFC 8037 verifies, and no other") {
  key const k = taken(keys_from_jwks(vectors::set_of(vectors::ed25519_jwk))).front();
  std::string signature = base64url_decode(vectors::ed25519_signature).value();
  CHECK(k.verifies(vectors::ed25519_text, signature));
  CHECK_FALSE(k.verifies(vectors::ed25519_text + "x", signature));
  signature[10] ^= 1;
  CHECK_FALSE(k.verifies(vectors::ed25519_text, signature));
}

TEST_CASE("base64url has one spelling for one sequence of bytes") {
  CHECK(base64url_encode(std::string("\xfb\xff", 2)) == "-_8");
  CHECK(base64url_decode("-_8") == std::string("\xfb\xff", 2));
  CHECK(base64url_decode("") == "");
  for (const char* wrong : {"-_9", "-_8=", "+/8", "a", "-_ 8", "-_8\n"})
    CHECK_FALSE_MESSAGE(base64url_decode(wrong), wrong);
}

TEST_CASE("weak and malformed keys are refused with what is wrong") {
  CHECK(refusal_of(R"({"kty":"oct","kid":"s","k":"c2hvcnQ"})").find("32 at least") != std::string::npos);
  CHECK(refusal_of(R"({"kty":"RSA","kid":"r","n":")" + vectors::rsa_modulus.substr(0, 172) + R"(","e":"AQAB"})")
            .find("2048") != std::string::npos);
  CHECK(refusal_of(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"AAAA"})") != "");
  // A point that is not on the curve.
  CHECK(
      refusal_of(
          R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})") !=
      "");
  CHECK(refusal_of(R"("key")") != "");
  CHECK_FALSE(keys_from_jwks("{}").has_value());
  CHECK_FALSE(keys_from_jwks("not json").has_value());
}

TEST_CASE("keys of a set that are for something else are skipped") {
  auto const keys = keys_from_jwks(R"({"keys":[{"kty":"EC","crv":"P-521"},{"kty":"new"},
    {"kty":"RSA","use":"enc"},{"kty":"oct","alg":"HS512","k":"AAAA"},)" +
                                   vectors::ec_jwk + "]}");
  REQUIRE(keys.has_value());
  CHECK(keys->size() == 1);
  CHECK(keys->front().which() == algorithm::es256);
}

TEST_CASE("a public key cannot become an HMAC secret") {
  CHECK_FALSE(
      key::from_secret("", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END").has_value());
}

TEST_CASE("a key file must fit its algorithm") {
  static const std::string ed25519_pem = "-----BEGIN PUBLIC KEY-----\n"
                                         "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                                         "-----END PUBLIC KEY-----\n";
  CHECK(key::from_pem("k", algorithm::eddsa, ed25519_pem).has_value());
  CHECK_FALSE(key::from_pem("k", algorithm::es256, ed25519_pem).has_value());
  CHECK_FALSE(key::from_pem("k", algorithm::rs256, ed25519_pem).has_value());
  CHECK_FALSE(key::from_pem("k", algorithm::hs256, ed25519_pem).has_value());
  CHECK_FALSE(key::from_pem("k", algorithm::eddsa, "nothing").has_value());
}
