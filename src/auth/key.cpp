#include "jobcast/auth/key.hpp"

#include "jobcast/auth/base64url.hpp"
#include "jobcast/base/text_member.hpp"

#include <cstring>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

namespace jobcast::auth {

namespace {

constexpr std::size_t shortest_secret = 32;
constexpr int smallest_rsa = 2048;
constexpr std::size_t p256_half = 32;

template <auto Free>
struct freeing {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using pkey_ptr = std::unique_ptr<EVP_PKEY, freeing<EVP_PKEY_free>>;
using pkey_context = std::unique_ptr<EVP_PKEY_CTX, freeing<EVP_PKEY_CTX_free>>;
using digest_context = std::unique_ptr<EVP_MD_CTX, freeing<EVP_MD_CTX_free>>;
using ecdsa_signature = std::unique_ptr<ECDSA_SIG, freeing<ECDSA_SIG_free>>;
using bio_ptr = std::unique_ptr<BIO, freeing<BIO_free>>;
using bignum_ptr = std::unique_ptr<BIGNUM, freeing<BN_free>>;
using builder_ptr = std::unique_ptr<OSSL_PARAM_BLD, freeing<OSSL_PARAM_BLD_free>>;
using params_ptr = std::unique_ptr<OSSL_PARAM, freeing<OSSL_PARAM_free>>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool is_p256(const EVP_PKEY* k) {
  char group[64] = {};
  std::size_t size = 0;
  return EVP_PKEY_get_utf8_string_param(k, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &size) == 1 &&
         std::string_view(group, size) == "prime256v1";
}

// What keeps the key from being used with the algorithm, or empty.
std::string misfit(const EVP_PKEY* k, algorithm a) {
  switch (a) {
  case algorithm::rs256:
    if (EVP_PKEY_get_base_id(k) != EVP_PKEY_RSA)
      return "RS256 needs an RSA key";
    if (EVP_PKEY_get_bits(k) < smallest_rsa)
      return fmt::format("the RSA key has {} bits; RS256 needs {} at least", EVP_PKEY_get_bits(k), smallest_rsa);
    return {};
  case algorithm::es256:
    return EVP_PKEY_get_base_id(k) == EVP_PKEY_EC && is_p256(k) ? "" : "ES256 needs an EC key on the curve P-256";
  case algorithm::eddsa:
    return EVP_PKEY_get_base_id(k) == EVP_PKEY_ED25519 ? "" : "EdDSA needs an Ed25519 key";
  case algorithm::hs256:
    break;
  }
  return "HS256 needs a secret, not a key file";
}

// Tokens carry the two halves (RFC 7518, section 3.4), OpenSSL takes them in DER.
std::string der_of(std::string_view halves) {
  if (halves.size() != 2 * p256_half)
    return {};
  ecdsa_signature const s(ECDSA_SIG_new());
  BIGNUM* r_half = BN_bin2bn(bytes(halves), p256_half, nullptr);
  BIGNUM* s_half = BN_bin2bn(bytes(halves.substr(p256_half)), p256_half, nullptr);
  ECDSA_SIG_set0(s.get(), r_half, s_half);
  unsigned char* der = nullptr;
  int const size = i2d_ECDSA_SIG(s.get(), &der);
  std::string out(reinterpret_cast<char*>(der), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(der);
  return out;
}

std::string halves_of(std::string_view der) {
  auto const* at = bytes(der);
  ecdsa_signature const s(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  std::string out(2 * p256_half, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  if (!s || BN_bn2binpad(ECDSA_SIG_get0_r(s.get()), to, p256_half) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(s.get()), to + p256_half, p256_half) < 0)
    return {};
  return out;
}

// Ed25519 hashes for itself.
const EVP_MD* digest_for(algorithm a) {
  return a == algorithm::eddsa ? nullptr : EVP_sha256();
}

} // namespace

struct key::material {
  std::string secret;
  pkey_ptr pkey;
  bool is_private = false;
  std::uint64_t fingerprint = 0;
};

namespace {

std::uint64_t fingerprint_of_key(std::string_view kid, algorithm a, std::string_view material) {
  return fingerprint_of(fmt::format("{}\n{}\n{}", kid, name_of(a), material));
}

// As SubjectPublicKeyInfo, which is the same for a private key and its public half.
std::string public_der(EVP_PKEY* k) {
  unsigned char* der = nullptr;
  int const size = i2d_PUBKEY(k, &der);
  std::string out(reinterpret_cast<char*>(der), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(der);
  return out;
}

} // namespace

struct key_maker {
  static key from_pkey(std::string kid, algorithm a, pkey_ptr k, bool is_private) {
    auto m = std::make_shared<key::material>();
    m->fingerprint = fingerprint_of_key(kid, a, public_der(k.get()));
    m->pkey = std::move(k);
    m->is_private = is_private;
    return key(std::move(kid), a, std::move(m));
  }
  static key from_secret(std::string kid, std::string secret) {
    auto m = std::make_shared<key::material>();
    m->fingerprint = fingerprint_of_key(kid, algorithm::hs256, secret);
    m->secret = std::move(secret);
    return key(std::move(kid), algorithm::hs256, std::move(m));
  }
};

std::uint64_t key::fingerprint() const {
  return material_->fingerprint;
}

std::uint64_t fingerprint_of(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha256(), nullptr);
  std::uint64_t out = 0;
  std::memcpy(&out, digest, sizeof out);
  return out;
}

std::string_view name_of(algorithm a) {
  static constexpr std::string_view names[] = {"HS256", "RS256", "ES256", "EdDSA"};
  return names[static_cast<std::size_t>(a)];
}

bool parse_algorithm(std::string_view name, algorithm& out) {
  for (algorithm a : {algorithm::hs256, algorithm::rs256, algorithm::es256, algorithm::eddsa})
    if (name == name_of(a)) {
      out = a;
      return true;
    }
  return false;
}

boost::system::result<key, std::string> key::from_secret(std::string kid, std::string secret) {
  if (secret.size() < shortest_secret)
    return fmt::format("the secret has {} bytes; HS256 needs {} at least, such as `openssl rand -base64 32` makes",
                       secret.size(), shortest_secret);
  // A public key as the secret is how tokens are forged from what everyone may know.
  if (secret.find("-----BEGIN") != std::string::npos)
    return std::string("this is a key in PEM, not a secret; name its file and its algorithm");
  return key_maker::from_secret(std::move(kid), std::move(secret));
}

boost::system::result<key, std::string> key::from_pem(std::string kid, algorithm a, std::string_view pem) {
  auto const read = [&](auto reader) {
    bio_ptr const in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    // Without a callback OpenSSL would ask for a password on the terminal.
    return pkey_ptr(reader(
        in.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr));
  };
  bool is_private = false;
  pkey_ptr k = read(PEM_read_bio_PUBKEY);
  if (!k) {
    k = read(PEM_read_bio_PrivateKey);
    is_private = k != nullptr;
  }
  ERR_clear_error();
  if (!k)
    return std::string("holds no public key in PEM (-----BEGIN PUBLIC KEY-----)");
  if (std::string wrong = misfit(k.get(), a); !wrong.empty())
    return wrong;
  return key_maker::from_pkey(std::move(kid), a, std::move(k), is_private);
}

bool key::verifies(std::string_view message, std::string_view signature) const {
  if (algorithm_ == algorithm::hs256)
    return equal_in_constant_time(hmac_sha256(material_->secret, message), signature);
  std::string der;
  if (algorithm_ == algorithm::es256) {
    der = der_of(signature);
    if (der.empty())
      return false;
    signature = der;
  }
  digest_context const context(EVP_MD_CTX_new());
  bool const good =
      EVP_DigestVerifyInit(context.get(), nullptr, digest_for(algorithm_), nullptr, material_->pkey.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message), message.size()) == 1;
  ERR_clear_error();
  return good;
}

std::string key::sign(std::string_view message) const {
  if (algorithm_ == algorithm::hs256)
    return hmac_sha256(material_->secret, message);
  if (!material_->is_private)
    return {};
  digest_context const context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, digest_for(algorithm_), nullptr, material_->pkey.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes(message), message.size()) != 1)
    return {};
  std::string out(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes(message),
                     message.size()) != 1)
    return {};
  out.resize(size);
  return algorithm_ == algorithm::es256 ? halves_of(out) : out;
}

namespace {

// A JWK's member, decoded.
std::optional<std::string> decoded(const rapidjson::Value& jwk, const char* name) {
  auto const at = jwk.FindMember(name);
  if (at == jwk.MemberEnd() || !at->value.IsString())
    return std::nullopt;
  return base64url_decode({at->value.GetString(), at->value.GetStringLength()});
}

pkey_ptr from_params(const char* type, OSSL_PARAM_BLD* builder) {
  params_ptr const params(OSSL_PARAM_BLD_to_param(builder));
  pkey_context const context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* out = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &out, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return pkey_ptr(out);
}

pkey_ptr rsa_of(const rapidjson::Value& jwk) {
  auto const n = decoded(jwk, "n"), e = decoded(jwk, "e");
  if (!n || !e || n->size() > 2048 || e->size() > 8)
    return nullptr;
  bignum_ptr const modulus(BN_bin2bn(bytes(*n), static_cast<int>(n->size()), nullptr));
  bignum_ptr const exponent(BN_bin2bn(bytes(*e), static_cast<int>(e->size()), nullptr));
  builder_ptr const builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return from_params("RSA", builder.get());
}

pkey_ptr ec_of(const rapidjson::Value& jwk) {
  auto const x = decoded(jwk, "x"), y = decoded(jwk, "y");
  if (!x || !y || x->size() != p256_half || y->size() != p256_half)
    return nullptr;
  std::string const point = '\x04' + *x + *y;
  builder_ptr const builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  pkey_ptr k = from_params("EC", builder.get());
  // Off the curve, a point gives away what is computed with it.
  pkey_context const check(k ? EVP_PKEY_CTX_new_from_pkey(nullptr, k.get(), nullptr) : nullptr);
  return check && EVP_PKEY_public_check(check.get()) == 1 ? std::move(k) : nullptr;
}

pkey_ptr ed25519_of(const rapidjson::Value& jwk) {
  auto const x = decoded(jwk, "x");
  return x ? pkey_ptr(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size())) : nullptr;
}

// One key; null error and no key where it is to be skipped.
std::string read_jwk(const rapidjson::Value& jwk, key_ring& into) {
  if (!jwk.IsObject())
    return "holds something that is not an object in `keys`";
  if (std::string_view const use = text_member(jwk, "use"); !use.empty() && use != "sig")
    return {};
  std::string const kid(text_member(jwk, "kid"));
  std::string_view const kty = text_member(jwk, "kty"), crv = text_member(jwk, "crv"), alg = text_member(jwk, "alg");
  auto const add = [&](algorithm a, pkey_ptr k) -> std::string {
    if (!alg.empty() && alg != name_of(a))
      return {};
    ERR_clear_error();
    std::string wrong = k ? misfit(k.get(), a) : "it is malformed";
    if (wrong.empty())
      into.push_back(key_maker::from_pkey(kid, a, std::move(k), false));
    return wrong.empty() ? wrong : fmt::format("key '{}': {}", kid, wrong);
  };
  if (kty == "RSA")
    return add(algorithm::rs256, rsa_of(jwk));
  if (kty == "EC" && crv == "P-256")
    return add(algorithm::es256, ec_of(jwk));
  if (kty == "OKP" && crv == "Ed25519")
    return add(algorithm::eddsa, ed25519_of(jwk));
  if (kty != "oct" || (!alg.empty() && alg != "HS256"))
    return {};
  auto secret = decoded(jwk, "k");
  if (!secret)
    return fmt::format("key '{}': it is malformed", kid);
  auto made = key::from_secret(kid, std::move(*secret));
  if (!made)
    return fmt::format("key '{}': {}", kid, made.error());
  into.push_back(std::move(*made));
  return {};
}

} // namespace

boost::system::result<key_ring, std::string> keys_from_jwks(std::string_view json) {
  rapidjson::Document doc;
  doc.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (doc.HasParseError() || !doc.IsObject() || !doc.HasMember("keys") || !doc["keys"].IsArray())
    return std::string("is not a JWK set: an object with a list `keys`");
  key_ring out;
  for (auto const& jwk : doc["keys"].GetArray())
    if (std::string wrong = read_jwk(jwk, out); !wrong.empty())
      return wrong;
  if (out.empty())
    return std::string("holds no key for HS256, RS256, ES256 or EdDSA");
  return out;
}

std::string hmac_sha256(std::string_view secret, std::string_view message) {
  std::string out(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes(message), message.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace jobcast::auth
