#include "jobcast/auth/rules.hpp"

#include <algorithm>

namespace jobcast::auth {

namespace {

bool lists(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The application behind an API key serves all of its tenants; everyone else sees one, or what belongs to none.
bool in_tenant(const identity& who, std::string_view tenant) {
  return who.what == identity::kind::api_key || who.tenant == tenant;
}

bool owns(const identity& who, const subject& job) {
  return (!who.sub.empty() && who.sub == job.owner) || lists(who.jobs, job.id);
}

bool publishes(const identity& who, std::string_view type) {
  return who.publish && (who.types.empty() || lists(who.types, type));
}

} // namespace

bool may(const identity& who, action what, const subject& job) {
  if (who.what == identity::kind::open)
    return true;
  if (what == action::operate)
    return who.operate;
  if (!in_tenant(who, job.tenant))
    return false;
  switch (what) {
  case action::read:
    return owns(who, job) || who.read_all || publishes(who, job.type);
  case action::command:
    return who.what != identity::kind::link && (owns(who, job) || publishes(who, job.type));
  case action::publish:
    return publishes(who, job.type);
  case action::operate:
    break;
  }
  return false;
}

bounds bounds_of(const identity& who, action what, std::string_view id) {
  bounds out;
  if (who.what == identity::kind::open)
    return out;
  if (who.what != identity::kind::api_key)
    out.tenant = who.tenant;
  if (what == action::command && who.what == identity::kind::link) {
    out.owner = "";
    return out;
  }
  bool const any = (who.publish && who.types.empty()) || (what != action::publish && lists(who.jobs, id)) ||
                   (what == action::read && who.read_all);
  if (any)
    return out;
  out.owner = what == action::publish ? std::string_view() : std::string_view(who.sub);
  if (who.publish)
    out.types = &who.types;
  return out;
}

bool may_ever(const identity& who, action what) {
  switch (what) {
  case action::read:
    return who.what != identity::kind::nobody;
  case action::command:
    return who.what != identity::kind::nobody && who.what != identity::kind::link;
  case action::publish:
    return who.what == identity::kind::open || who.publish;
  case action::operate:
    return who.what == identity::kind::open || who.operate;
  }
  return false;
}

bool may_read_owner(const identity& who, std::string_view tenant, std::string_view owner) {
  if (who.what == identity::kind::open)
    return true;
  return in_tenant(who, tenant) &&
         ((!who.sub.empty() && who.sub == owner) || who.read_all || (who.publish && who.types.empty()));
}

} // namespace jobcast::auth
