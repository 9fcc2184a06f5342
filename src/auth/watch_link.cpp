#include "jobcast/auth/watch_link.hpp"

#include "jobcast/auth/base64url.hpp"
#include "jobcast/auth/key.hpp"
#include "jobcast/base/text_member.hpp"

#include <algorithm>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace jobcast::auth {

namespace {

// Says what is signed, so that no signature made for anything else fits a link.
std::string mac(std::string_view secret, std::string_view payload) {
  return hmac_sha256(secret, "jobcast watch link 1\n" + std::string(payload));
}

void put(rapidjson::Writer<rapidjson::StringBuffer>& out, const char* name, const std::string& value) {
  if (value.empty())
    return;
  out.Key(name);
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

} // namespace

std::string sign_link(const watch_link& link, std::string_view secret) {
  rapidjson::StringBuffer json;
  rapidjson::Writer<rapidjson::StringBuffer> out(json);
  out.StartObject();
  out.Key("e");
  out.Int64(link.expires_at);
  put(out, "o", link.owner);
  put(out, "t", link.tenant);
  if (!link.jobs.empty()) {
    out.Key("j");
    out.StartArray();
    for (const std::string& id : link.jobs)
      out.String(id.data(), static_cast<rapidjson::SizeType>(id.size()));
    out.EndArray();
  }
  out.EndObject();
  std::string const payload = base64url_encode({json.GetString(), json.GetSize()});
  return payload + '.' + base64url_encode(mac(secret, payload));
}

std::string_view describe(link_error e) {
  switch (e) {
  case link_error::expired:
    return "This watch link has expired; ask for a new one.";
  case link_error::bad_signature:
    return "This watch link was not signed by this gateway, or was changed.";
  case link_error::malformed:
    break;
  }
  return "This watch link is not complete; copy it whole.";
}

boost::system::result<identity_ptr, link_error> verify_link(std::string_view text_of_link,
                                                            std::span<const std::string> secrets, std::int64_t now_ms) {
  auto const dot = text_of_link.find('.');
  if (dot == std::string_view::npos || text_of_link.size() > longest_link)
    return link_error::malformed;
  std::string_view const payload = text_of_link.substr(0, dot);
  auto const signature = base64url_decode(text_of_link.substr(dot + 1));
  if (!signature)
    return link_error::malformed;
  auto const secret = std::find_if(secrets.begin(), secrets.end(), [&](const std::string& one) {
    return equal_in_constant_time(mac(one, payload), *signature);
  });
  if (secret == secrets.end())
    return link_error::bad_signature;
  // Ours from here on.
  auto const json = base64url_decode(payload);
  rapidjson::Document doc;
  if (!json || doc.Parse(json->data(), json->size()).HasParseError() || !doc.IsObject() || !doc.HasMember("e") ||
      !doc["e"].IsInt64())
    return link_error::malformed;
  boost::intrusive_ptr<identity> const who(new identity);
  who->what = identity::kind::link;
  who->expires_at = doc["e"].GetInt64();
  who->renew_by = who->expires_at;
  who->vouched_by = fingerprint_of(*secret);
  if (now_ms >= who->expires_at)
    return link_error::expired;
  who->sub = text_member(doc, "o");
  who->tenant = text_member(doc, "t");
  if (auto const jobs = doc.FindMember("j"); jobs != doc.MemberEnd() && jobs->value.IsArray())
    for (auto const& id : jobs->value.GetArray())
      if (id.IsString())
        who->jobs.emplace_back(id.GetString(), id.GetStringLength());
  return identity_ptr(who);
}

} // namespace jobcast::auth
