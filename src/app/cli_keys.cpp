// `jobcast token` and `jobcast key`: credentials for viewers, operators and publishers.
#include "jobcast/app/cli.hpp"
#include "jobcast/app/secrets.hpp"
#include "jobcast/auth/jwt.hpp"
#include "jobcast/base/clock.hpp"
#include "jobcast/job/report_json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <istream>
#include <iterator>
#include <ostream>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace jobcast::app {

namespace {

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

void put(json_writer& out, const char* name, const std::string& value) {
  if (value.empty())
    return;
  out.Key(name);
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

std::string claims_of(const auth_settings& values, const token_request& asked) {
  rapidjson::StringBuffer json;
  json_writer out(json);
  auto const now = now_ms() / 1000;
  out.StartObject();
  put(out, "iss", values.issuer);
  put(out, "aud", values.audience);
  put(out, "sub", asked.sub);
  put(out, "tenant", asked.tenant);
  put(out, "scope", fmt::format("{}", fmt::join(asked.scopes, " ")));
  if (!asked.jobs.empty()) {
    out.Key("jobs");
    out.StartArray();
    for (const std::string& id : asked.jobs)
      out.String(id.data(), static_cast<rapidjson::SizeType>(id.size()));
    out.EndArray();
  }
  out.Key("iat");
  out.Int64(now);
  out.Key("exp");
  out.Int64(now + asked.ttl.count() / 1000);
  out.EndObject();
  return {json.GetString(), json.GetSize()};
}

// The key to sign with: a file, or the configured secret of that kid.
boost::system::result<auth::key, std::string> signing_key(const auth_settings& values, const token_request& asked) {
  if (!asked.key_file.empty()) {
    auth::algorithm which{};
    if (!auth::parse_algorithm(asked.algorithm, which))
      return std::string("--algorithm is RS256, ES256 or EdDSA");
    std::ifstream in(asked.key_file, std::ios::binary);
    std::string const pem(std::istreambuf_iterator<char>(in), {});
    auto made = auth::key::from_pem(asked.kid, which, pem);
    if (!made)
      return fmt::format("--key: {}: {}", asked.key_file, made.error());
    return made;
  }
  auto const keys = load_keys(values);
  if (!keys)
    return keys.error();
  auto const found = std::find_if(keys->begin(), keys->end(), [&](const auth::key& k) {
    return k.which() == auth::algorithm::hs256 && k.kid() == asked.kid;
  });
  if (found == keys->end())
    return asked.kid.empty() ? std::string("auth.secret is not set; name a key with --kid, or a private key with --key")
                             : fmt::format("[auth] has no HS256 key '{}'", asked.kid);
  return *found;
}

// A new key, and the lines of the configuration in which its hash stands for {}.
void print_key(std::ostream& out, std::string_view lines) {
  std::string const made = auth::make_api_key();
  out << "The key, which is shown this once and goes into an `Authorization: Bearer` header:\n\n  " << made
      << "\n\nIts hash, for the configuration of the gateways:\n\n  "
      << fmt::format(fmt::runtime(lines), auth::hash_api_key(made)) << "\n";
}

} // namespace

int token(const settings& config, const token_request& asked, std::ostream& out, std::ostream& errors) {
  if (asked.sub.empty() && asked.jobs.empty() && asked.scopes.empty()) {
    errors << "jobcast: a token is for somebody: give --sub, --job or --scope\n";
    return 2;
  }
  constexpr std::string_view scopes[] = {"jobs:read:all", "jobs:publish", "operator"};
  for (const std::string& scope : asked.scopes)
    if (std::find(std::begin(scopes), std::end(scopes), scope) == std::end(scopes)) {
      errors << "jobcast: --scope " << scope << " is none; scopes are " << fmt::format("{}", fmt::join(scopes, ", "))
             << "\n";
      return 2;
    }
  auto const key = signing_key(config.auth, asked);
  if (!key) {
    errors << "jobcast: " << key.error() << "\n";
    return 2;
  }
  std::string const made = auth::make_token(*key, claims_of(config.auth, asked));
  if (made.empty()) {
    errors << "jobcast: " << asked.key_file << " holds no private key\n";
    return 2;
  }
  out << made << "\n";
  return 0;
}

int key(const std::string& name, std::ostream& out, std::ostream& errors) {
  if (!job::is_type_name(name)) {
    errors << "jobcast: the name of a publisher is 1 to 64 of A-Z a-z 0-9 . _ : -\n";
    return 2;
  }
  print_key(out, fmt::format("[auth.publishers.\"{}\"]\n  hashes = [\"{{}}\"]", name));
  return 0;
}

void metrics_key(std::ostream& out) {
  print_key(out, "[metrics]\n  key = \"{}\"");
}

} // namespace jobcast::app
