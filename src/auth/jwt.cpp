#include "jobcast/auth/jwt.hpp"

#include "jobcast/auth/base64url.hpp"

#include <algorithm>
#include <cmath>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace jobcast::auth {

namespace {

constexpr std::size_t longest_token = 16 * 1024;
// Anybody can send a header; this is more than any issuer writes.
constexpr rapidjson::SizeType most_header_members = 64;
// As the function library takes them, so that every owner can be a viewer.
constexpr std::size_t longest_name = 128;
// Of 19 digits.
constexpr std::uint64_t largest_number = 9'999'999'999'999'999'999u;
// The year 9999: later ones would overflow when counted in milliseconds.
constexpr double latest_second = 253'402'300'799;

struct parts {
  std::string_view header, claims, signature, signed_text;
};

bool split(std::string_view token, parts& out) {
  auto const first = token.find('.');
  auto const second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return false;
  out.header = token.substr(0, first);
  out.claims = token.substr(first + 1, second - first - 1);
  out.signature = token.substr(second + 1);
  out.signed_text = token.substr(0, second);
  return true;
}

// The JSON object that a part holds.
bool read_object(std::string_view part, rapidjson::Document& out) {
  auto const json = base64url_decode(part);
  if (!json || json->find('\0') != json->npos)
    return false;
  out.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(json->data(), json->size());
  if (out.HasParseError() || !out.IsObject())
    return false;
  // Readers that take the first and readers that take the last of two members differ in what was signed.
  std::vector<std::string_view> names;
  names.reserve(out.MemberCount());
  for (auto const& [name, value] : out.GetObject())
    names.emplace_back(name.GetString(), name.GetStringLength());
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

const rapidjson::Value* member(const rapidjson::Value& in, const char* name) {
  auto const at = in.FindMember(name);
  return at == in.MemberEnd() || at->value.IsNull() ? nullptr : &at->value;
}

std::string_view text_of(const rapidjson::Value& v) {
  return {v.GetString(), v.GetStringLength()};
}

// A NumericDate as milliseconds; false if it is none.
bool read_time(const rapidjson::Value& v, std::int64_t& out) {
  if (!v.IsNumber() || !std::isfinite(v.GetDouble()) || v.GetDouble() < 0 || v.GetDouble() > latest_second)
    return false;
  out = static_cast<std::int64_t>(v.GetDouble() * 1000);
  return true;
}

// A name, or a number that stands for one: its digits as they are in the token, of which a double would keep 15.
bool read_name(const rapidjson::Value& v, std::string& out) {
  if (v.IsUint64() && v.GetUint64() <= largest_number)
    out = std::to_string(v.GetUint64());
  else if (v.IsInt64() && v.GetInt64() < 0)
    out = std::to_string(v.GetInt64());
  else if (v.IsString() && v.GetStringLength() <= longest_name)
    out = text_of(v);
  else
    return false;
  return true;
}

bool read_name(const rapidjson::Value& claims, const char* name, std::string& out) {
  auto const* v = member(claims, name);
  return !v || read_name(*v, out);
}

bool read_jobs(const rapidjson::Value& claims, std::size_t limit, std::vector<std::string>& out) {
  auto const* v = member(claims, "jobs");
  if (!v)
    return true;
  if (!v->IsArray() || v->Size() > limit)
    return false;
  for (auto const& id : v->GetArray())
    if (!read_name(id, out.emplace_back()) || out.back().empty())
      return false;
  return true;
}

void grant(std::string_view scope, identity& out) {
  out.read_all = out.read_all || scope == scope_read_all;
  out.publish = out.publish || scope == scope_publish;
  out.operate = out.operate || scope == scope_operator;
}

// A text with blanks between scopes (RFC 8693, section 4.2), or a list. Scopes of other programs are nobody's error.
bool read_scope(const rapidjson::Value& claims, identity& out) {
  auto const* v = member(claims, "scope");
  if (!v)
    return true;
  if (v->IsString()) {
    for (std::string_view rest = text_of(*v); !rest.empty();) {
      auto const blank = std::min(rest.find(' '), rest.size());
      grant(rest.substr(0, blank), out);
      rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
    return true;
  }
  if (!v->IsArray())
    return false;
  for (auto const& one : v->GetArray()) {
    if (!one.IsString())
      return false;
    grant(text_of(one), out);
  }
  return true;
}

bool is_for(const rapidjson::Value* aud, std::string_view us) {
  if (!aud)
    return us.empty();
  if (us.empty())
    return false;
  if (aud->IsString())
    return text_of(*aud) == us;
  return aud->IsArray() && std::any_of(aud->Begin(), aud->End(), [&](const rapidjson::Value& one) {
           return one.IsString() && text_of(one) == us;
         });
}

using checked = boost::system::result<identity_ptr, token_error>;

checked read_claims(const rapidjson::Value& claims, const token_rules& rules, std::int64_t now_ms, const key& by) {
  boost::intrusive_ptr<identity> const who(new identity);
  who->vouched_by = by.fingerprint();
  who->what = identity::kind::token;
  auto const* exp = member(claims, "exp");
  if (!exp)
    return token_error::no_expiry;
  if (!read_time(*exp, who->renew_by))
    return token_error::unusable_exp;
  who->expires_at = who->renew_by + rules.leeway_ms;
  if (now_ms >= who->expires_at)
    return token_error::expired;
  std::int64_t from = 0;
  if (auto const* nbf = member(claims, "nbf"); nbf && !read_time(*nbf, from))
    return token_error::unusable_nbf;
  if (from > now_ms + rules.leeway_ms)
    return token_error::not_yet_valid;
  auto const* iss = member(claims, "iss");
  if (!rules.issuer.empty() && (!iss || !iss->IsString() || text_of(*iss) != rules.issuer))
    return token_error::wrong_issuer;
  if (!is_for(member(claims, "aud"), rules.audience))
    return token_error::wrong_audience;
  if (!read_name(claims, "sub", who->sub))
    return token_error::unusable_sub;
  if (!read_name(claims, "tenant", who->tenant))
    return token_error::unusable_tenant;
  if (!read_jobs(claims, rules.jobs_limit, who->jobs))
    return token_error::unusable_jobs;
  if (!read_scope(claims, *who))
    return token_error::unusable_scope;
  if (who->sub.empty() && iss && iss->IsString())
    who->name = text_of(*iss);
  return identity_ptr(who);
}

} // namespace

std::string_view describe(token_error e) {
  switch (e) {
  case token_error::malformed:
    return "The token is malformed: it is not a JSON Web Token in compact form.";
  case token_error::unsupported:
    return "The token is signed in a way that is not accepted; use HS256, RS256, ES256 or EdDSA, without `crit`.";
  case token_error::unknown_key:
    return "No configured key has the token's `kid` and `alg`.";
  case token_error::bad_signature:
    return "The token's signature does not fit any configured key.";
  case token_error::expired:
    return "The token has expired; get a new one.";
  case token_error::not_yet_valid:
    return "The token is not valid yet (`nbf`); compare the clocks.";
  case token_error::no_expiry:
    return "The token has no `exp`; streams end with their token, so it must say when.";
  case token_error::wrong_issuer:
    return "The token's `iss` is not the one configured as auth.issuer.";
  case token_error::wrong_audience:
    return "The token's `aud` is not the one configured as auth.audience.";
  case token_error::unusable_exp:
    return "The token's `exp` cannot be used: it is a number, the seconds since 1970.";
  case token_error::unusable_nbf:
    return "The token's `nbf` cannot be used: it is a number, the seconds since 1970.";
  case token_error::unusable_sub:
    return "The token's `sub` cannot be used: it is a text of up to 128 bytes, or a whole number of up to 19 digits.";
  case token_error::unusable_tenant:
    return "The token's `tenant` cannot be used: it is a text of up to 128 bytes, or a whole number of up to 19 "
           "digits.";
  case token_error::unusable_jobs:
    return "The token's `jobs` cannot be used: it is a list of up to 200 ids, each of 1 to 128 bytes.";
  case token_error::unusable_scope:
    break;
  }
  return "The token's `scope` cannot be used: it is a text with blanks between scopes, or a list of texts.";
}

bool looks_like_token(std::string_view text) {
  parts p;
  return text.size() > 16 && text.starts_with("eyJ") && split(text, p);
}

checked verify_token(std::string_view token, const key_ring& keys, const token_rules& rules, std::int64_t now_ms) {
  parts p;
  rapidjson::Document header, claims;
  if (token.size() > longest_token || !split(token, p) || !read_object(p.header, header) ||
      header.MemberCount() > most_header_members)
    return token_error::malformed;
  auto const* alg = member(header, "alg");
  if (!alg || !alg->IsString())
    return token_error::malformed;
  algorithm asked{};
  if (!parse_algorithm(text_of(*alg), asked) || header.HasMember("crit"))
    return token_error::unsupported;
  auto const* kid = member(header, "kid");
  if (kid && !kid->IsString())
    return token_error::malformed;
  auto const signature = base64url_decode(p.signature);
  if (!signature)
    return token_error::malformed;
  bool any = false;
  const key* good = nullptr;
  for (const key& k : keys) {
    bool const fits = k.which() == asked && (!kid || k.kid().empty() || k.kid() == text_of(*kid));
    any = any || fits;
    if (!good && fits && k.verifies(p.signed_text, *signature))
      good = &k;
  }
  if (!good)
    return any ? token_error::bad_signature : token_error::unknown_key;
  if (!read_object(p.claims, claims))
    return token_error::malformed;
  return read_claims(claims, rules, now_ms, *good);
}

std::string make_token(const key& signing, std::string_view claims) {
  rapidjson::StringBuffer header;
  rapidjson::Writer<rapidjson::StringBuffer> writer(header);
  writer.StartObject();
  writer.Key("alg");
  writer.String(name_of(signing.which()).data());
  writer.Key("typ");
  writer.String("JWT");
  if (!signing.kid().empty()) {
    writer.Key("kid");
    writer.String(signing.kid().data(), static_cast<rapidjson::SizeType>(signing.kid().size()));
  }
  writer.EndObject();
  std::string out = base64url_encode({header.GetString(), header.GetSize()}) + '.' + base64url_encode(claims);
  std::string const signature = signing.sign(out);
  return signature.empty() ? std::string() : out + '.' + base64url_encode(signature);
}

} // namespace jobcast::auth
