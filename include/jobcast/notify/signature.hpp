// Signing webhooks as Standard Webhooks 1.0.0 has it: HMAC-SHA256 over `id.timestamp.body`. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jobcast::notify {

/// The key that a secret stands for: base64 (RFC 4648 section 4) of 24 to 64 bytes, with or without `whsec_` in front.
/// Nothing if it is not that.
std::optional<std::string> secret_key(std::string_view secret);

/// The value of `webhook-signature`: `v1,<base64>` by each secret, separated by spaces, so that a receiver who knows
/// only the old or only the new of two can verify. Secrets that are none are left out.
std::string signature(std::span<const std::string> secrets, std::string_view id, std::int64_t timestamp,
                      std::string_view body);

/// Base64 without line breaks.
std::string base64(std::string_view bytes);

} // namespace jobcast::notify
