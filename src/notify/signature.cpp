#include "jobcast/notify/signature.hpp"

#include <array>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace jobcast::notify {

namespace {

constexpr std::size_t shortest_key = 24, longest_key = 64;

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  auto const size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                    reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (text.size() % 4 != 0 || size < 0)
    return std::nullopt;
  auto const padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(size - padding));
  // The decoder forgives white space and stray bits; a secret that is not as its maker wrote it is a mistake.
  return base64(bytes) == text ? std::optional(std::move(bytes)) : std::nullopt;
}

} // namespace

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  auto const size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::optional<std::string> secret_key(std::string_view secret) {
  if (constexpr std::string_view mark = "whsec_"; secret.starts_with(mark))
    secret.remove_prefix(mark.size());
  if (secret.size() > 4 * longest_key)
    return std::nullopt;
  auto key = from_base64(secret);
  return key && key->size() >= shortest_key && key->size() <= longest_key ? key : std::nullopt;
}

std::string signature(std::span<const std::string> secrets, std::string_view id, std::int64_t timestamp,
                      std::string_view body) {
  std::string const content = fmt::format("{}.{}.{}", id, timestamp, body);
  std::string out;
  for (auto const& secret : secrets) {
    auto const key = secret_key(secret);
    if (!key)
      continue;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key->data(), static_cast<int>(key->size()),
         reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(), &size);
    out += out.empty() ? "v1," : " v1,";
    out += base64({reinterpret_cast<const char*>(digest.data()), size});
  }
  return out;
}

} // namespace jobcast::notify
