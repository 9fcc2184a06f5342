#include "jobcast/job/job_key.hpp"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <stdexcept>

namespace jobcast::job {

namespace {

using digest = std::array<unsigned char, 32>;

digest sha256(std::string_view bytes) {
  digest out{};
  if (EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL offers no SHA-256");
  return out;
}

} // namespace

std::string keyed_job_id(std::string_view publisher, std::string_view idempotency_key) {
  constexpr char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string input(publisher);
  input.append(1, '\0').append(idempotency_key);
  const auto hash = sha256(input);
  std::string id = "k";
  unsigned held = 0, bits = 0;
  for (std::size_t next = 0; id.size() < 27;) {
    if (bits < 5) {
      held = held << 8 | hash[next++];
      bits += 8;
    }
    bits -= 5;
    id += alphabet[held >> bits & 31];
  }
  return id;
}

std::string request_hash(const pairs& fields) {
  std::vector<std::pair<std::string_view, std::string_view>> sorted;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
    sorted.emplace_back(fields[i], fields[i + 1]);
  std::sort(sorted.begin(), sorted.end());
  std::string canonical;
  for (const auto& [name, value] : sorted)
    for (const auto part : {name, value})
      canonical.append(std::to_string(part.size())).append(1, ':').append(part);

  constexpr char hex[] = "0123456789abcdef";
  std::string text;
  for (const unsigned byte : sha256(canonical))
    text.append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
  return text;
}

} // namespace jobcast::job
