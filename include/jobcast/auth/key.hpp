// Keys that tokens are signed with. Each is pinned to one algorithm, so that no token can choose another for it.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::auth {

/// RFC 7518, section 3.1, and RFC 8037, section 3.1.
enum class algorithm : std::uint8_t { hs256, rs256, es256, eddsa };

/// "HS256" and so on.
std::string_view name_of(algorithm a);
/// False for anything but the four names, `none` above all.
bool parse_algorithm(std::string_view name, algorithm& out);

/// An immutable verification key; may be used from several threads. Copies share it.
class key {
 public:
  /// `secret` has at least 32 bytes (RFC 7518, section 3.2).
  static boost::system::result<key, std::string> from_secret(std::string kid, std::string secret);
  /// A public key (or a private one, for signing) in PEM that fits the algorithm: RSA of 2048 bits and more, EC on
  /// P-256, Ed25519. The error is a clause that never repeats the key.
  static boost::system::result<key, std::string> from_pem(std::string kid, algorithm a, std::string_view pem);

  const std::string& kid() const { return kid_; } ///< empty: fits tokens whatever their kid
  algorithm which() const { return algorithm_; }
  /// Equal for keys of the same kid, algorithm and material; says nothing of a secret to who does not know it.
  std::uint64_t fingerprint() const;

  /// Whether `signature`, as it stands in a token after decoding, is that of `message`.
  bool verifies(std::string_view message, std::string_view signature) const;
  /// Empty if the key is a public one.
  std::string sign(std::string_view message) const;

 private:
  struct material;
  key(std::string kid, algorithm a, std::shared_ptr<const material> m)
      : kid_(std::move(kid))
      , algorithm_(a)
      , material_(std::move(m)) {}
  friend struct key_maker;

  std::string kid_;
  algorithm algorithm_;
  std::shared_ptr<const material> material_;
};

using key_ring = std::vector<key>;

/// The signature keys of a JWK set (RFC 7517): `oct`, `RSA`, `EC` on P-256 and `OKP` Ed25519. Keys for encryption, and
/// kinds that are not known, are skipped, as section 5 asks; a known kind that is malformed or weak is an error.
boost::system::result<key_ring, std::string> keys_from_jwks(std::string_view json);

/// The first 64 bits of the SHA-256 of a text.
std::uint64_t fingerprint_of(std::string_view text);

/// HMAC-SHA256, 32 bytes.
std::string hmac_sha256(std::string_view secret, std::string_view message);
/// Takes as long whatever differs. False for other lengths at once.
bool equal_in_constant_time(std::string_view a, std::string_view b);

} // namespace jobcast::auth
