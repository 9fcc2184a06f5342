#include "jobcast/auth/publisher.hpp"

#include "jobcast/base/percent_encoding.hpp"

namespace jobcast::auth {

namespace {

bool is_known_by_issuer(const identity& who) {
  return who.what == identity::kind::token && who.sub.empty() && !who.name.empty();
}

std::string of_token(const identity& who) {
  return "token:" + who.tenant + '\0' + who.sub;
}

} // namespace

std::string publisher_name(const identity& who) {
  if (who.what == identity::kind::api_key)
    return "key:" + who.name;
  if (who.what != identity::kind::token)
    return {};
  std::string name = who.sub.empty() ? "issuer:" : "token:";
  append_percent_encoded(name, who.sub.empty() ? who.name : who.sub);
  return name;
}

std::string idempotency_scope(const identity& who) {
  switch (who.what) {
  case identity::kind::api_key:
    return "key:" + who.name;
  case identity::kind::token:
    return is_known_by_issuer(who) ? "issuer:" + who.tenant + '\0' + who.name : of_token(who);
  default:
    return "anonymous";
  }
}

std::string former_idempotency_scope(const identity& who) {
  return is_known_by_issuer(who) ? of_token(who) : std::string();
}

} // namespace jobcast::auth
