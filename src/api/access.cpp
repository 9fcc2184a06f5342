#include "jobcast/api/access.hpp"

#include "jobcast/api/answers.hpp"
#include "jobcast/auth/publisher.hpp"
#include "jobcast/auth/viewer.hpp"
#include "jobcast/base/clock.hpp"
#include "jobcast/base/strings.hpp"
#include "jobcast/job/ownership.hpp"
#include "jobcast/job/scope.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace jobcast::api {

namespace {

// The value of one cookie (RFC 6265, section 5.4), or empty.
std::string_view cookie_value(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    auto const end = std::min(cookies.find(';'), cookies.size());
    std::string_view one = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    auto const equals = one.find('=');
    if (equals != std::string_view::npos && one.substr(0, equals) == name)
      return one.substr(equals + 1);
  }
  return {};
}

http::response unauthorized(std::string_view detail, std::string_view field, bool invalid_token) {
  http::response out = http::problem(401, detail, field);
  out.add("WWW-Authenticate", invalid_token ? R"(Bearer error="invalid_token")" : "Bearer");
  return out;
}

bool wants_event_stream(const http::request& r) {
  return r.method == "GET" && r.field("Accept").find("text/event-stream") != std::string_view::npos;
}

} // namespace

http::response passing_refusal(context& c, const http::request& r, unsigned status, std::string_view detail,
                               unsigned retry_after_s) {
  if (!wants_event_stream(r)) {
    http::response out = http::problem(status, detail);
    out.add("Retry-After", std::to_string(retry_after_s));
    return out;
  }
  http::response out;
  out.content_type = http::event_stream_type;
  out.add("Cache-Control", "no-store, no-transform");
  auto const spread = static_cast<unsigned>(c.random() % 1000);
  out.body = hub::event::gateway("busy", retry_after_s * 1000 + spread)->sse();
  out.close = true;
  return out;
}

asio::ip::address client_of(const context& c, const http::request& r) {
  if (!c.trusted_proxies->contains(r.peer))
    return r.peer;
  return net::client_of(r.peer, r.fields->list("X-Forwarded-For"), *c.trusted_proxies);
}

net::admission::payer payer_of(const context& c, const http::request& r) {
  using kind = auth::identity::kind;
  bool const exempt = !r.who || r.who->what == kind::open || r.who->what == kind::api_key;
  return exempt ? net::admission::payer() : net::admission::payer(c.admission, client_of(c, r));
}

store::reader reader_of(const context& c, const http::request& r) {
  return {payer_of(c, r), r.client};
}

http::answer take_over(context& c, const http::request& r, std::function<void(net::client_socket)> open) {
  if (!c.trusted_proxies->contains(r.peer))
    return open;
  // Shared, since a std::function is copied.
  auto place = std::make_shared<net::admission::ticket>(c.admission.connect(client_of(c, r)));
  if (!*place) {
    c.counters.busy_refused.add();
    return passing_refusal(c, r, 429,
                           "This address has as many streams as limits.connections_per_address allows; close some.", 5);
  }
  return [place = std::move(place), open = std::move(open)](net::client_socket socket) {
    socket.set_place(std::move(*place));
    open(std::move(socket));
  };
}

std::optional<poll_place> admit_poll(context& c, const http::request& r) {
  poll_place out;
  if (r.who->what == auth::identity::kind::api_key)
    return out;
  if (c.trusted_proxies->contains(r.peer)) {
    out.address = c.admission.connect(client_of(c, r));
    if (!out.address) {
      c.counters.busy_refused.add();
      return std::nullopt;
    }
  }
  if (std::string const viewer = auth::viewer_name(*r.who); !viewer.empty()) {
    out.viewer = c.admission.open_stream(viewer);
    if (!out.viewer) {
      c.counters.busy_refused.add();
      return std::nullopt;
    }
  }
  return out;
}

namespace {

std::optional<http::response> check_rate(context& c, const http::request& r) {
  unsigned const seconds = c.admission.request(client_of(c, r), std::chrono::steady_clock::now());
  if (seconds == 0)
    return std::nullopt;
  c.counters.rate_limited.add();
  return passing_refusal(
      c, r, 429,
      "There were too many requests from this address (limits.request_rate). Wait as Retry-After says; reads of many "
      "jobs count as several.",
      seconds);
}

bool carries_token(std::string_view name, std::string_view value) {
  return name == "token" || name == "access_token" || auth::looks_like_token(value);
}

} // namespace

std::optional<http::response> check_anonymous_rate(context& c, const http::request& r) {
  return c.auth->open() ? std::nullopt : check_rate(c, r);
}

net::admission::client holder_of(const context& c, const http::request& r) {
  bool const publisher = r.who && auth::may_ever(*r.who, auth::action::publish);
  if (publisher && r.who->what != auth::identity::kind::open)
    return {.publisher = true};
  return {client_of(c, r), r.who ? auth::viewer_name(*r.who) : std::string(), publisher};
}

std::optional<http::response> identify(context& c, http::request& r) {
  auto const refused = [&](http::response out) {
    c.counters.auth_refused.add();
    return out;
  };
  for (auto const& [name, value] : r.query)
    if (carries_token(name, value))
      return refused(
          http::problem(400,
                        "A token in a URL ends up in logs and histories; send it as `Authorization: Bearer`, in "
                        "the cookie, or ask POST /api/watch-links for a link.",
                        name));
  auth::credentials const given{.authorization = r.field("Authorization"),
                                .cookie_token = cookie_value(r.field("Cookie"), c.config.auth.cookie),
                                .link = r.parameter("link").value_or("")};
  // A signature costs more to check than a refusal, so the rate comes first; but for API keys, which have none, and
  // whose hash costs little.
  bool const by_key = auth::names_api_key(given);
  if (!c.auth->open() && !by_key)
    if (auto too_many = check_rate(c, r))
      return too_many;
  auto who = c.auth->identify(given, now_ms());
  if (!who && by_key)
    if (auto too_many = check_rate(c, r))
      return too_many;
  if (!who)
    return refused(unauthorized(who.error().detail, who.error().field, who.error().invalid_token));
  r.who = std::move(*who);
  return std::nullopt;
}

std::optional<http::response> check_may_ever(context& c, const http::request& r, auth::action what) {
  if (!r.who) {
    c.counters.auth_refused.add();
    return unauthorized(
        "Say who you are: send a token or an API key as `Authorization: Bearer`, or a token in the cookie.",
        "Authorization", false);
  }
  if (auth::may_ever(*r.who, what))
    return std::nullopt;
  c.counters.auth_refused.add();
  switch (what) {
  case auth::action::publish:
    return http::problem(403, "This takes an API key of a publisher, or a token with scope jobs:publish.",
                         "Authorization");
  case auth::action::operate:
    return http::problem(403, "This takes the key of metrics.key, or a token with scope operator.", "Authorization");
  case auth::action::command:
  case auth::action::read:
    break;
  }
  return http::problem(403, "A watch link only reads; this takes a token.", "link");
}

bool has_reserve(const http::request& r) {
  return r.who && (r.who->publish || r.who->operate);
}

std::optional<http::response> check_room(context& c, const http::request& r) {
  if (!c.crowded() || has_reserve(r))
    return std::nullopt;
  c.counters.busy_refused.add();
  http::response out = passing_refusal(c, r, 503, "The gateway has as many connections as it takes; try again.",
                                       static_cast<unsigned>(2 + c.random() % 9));
  out.close = true;
  return out;
}

bool may(const auth::identity& who, auth::action what, std::string_view record) {
  if (who.what == auth::identity::kind::open)
    return true;
  auto const of = job::ownership_of(record);
  return auth::may(who, what, {of.id, of.owner, of.tenant, of.type});
}

std::string own_scope(const auth::identity& who, std::string_view id) {
  bool const others_too = who.what == auth::identity::kind::open || who.read_all || who.publish || who.operate ||
                          std::find(who.jobs.begin(), who.jobs.end(), id) != who.jobs.end();
  return others_too || id.starts_with("group:") ? std::string() : job::scope_key(who.tenant, who.sub);
}

store::arguments bounding_fields(const auth::identity& who, auth::action what, std::string_view id) {
  auto const bounds = auth::bounds_of(who, what, id);
  store::arguments fields;
  auto const add = [&](std::string_view name, std::string_view value) {
    fields.emplace_back(name);
    fields.emplace_back(value);
  };
  if (bounds.tenant)
    add("for_tenant", *bounds.tenant);
  if (bounds.owner)
    add("for_owner", *bounds.owner);
  if (bounds.types)
    add("for_types", fmt::format("{}", fmt::join(*bounds.types, ",")));
  return fields;
}

auth::identity_ptr watching(const http::request& r) {
  return r.who && r.who->what == auth::identity::kind::open ? nullptr : r.who;
}

namespace {

// Whether it matters who sends this: jobs join a batch by its name, and by becoming those of its owner.
bool names_its_publisher(const store::arguments& fields) {
  constexpr std::string_view names[] = {"group", "group_size", "group_publishers", "owner", "tenant", "keyed"};
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
    if (std::find(std::begin(names), std::end(names), fields[i]) != std::end(names))
      return true;
  return false;
}

} // namespace

void add_publisher_bounds(const auth::identity& who, store::arguments& fields) {
  if (who.what == auth::identity::kind::token) {
    fields.emplace_back("for_tenant");
    fields.push_back(who.tenant);
  }
  if (!who.types.empty()) {
    fields.emplace_back("for_types");
    fields.push_back(fmt::format("{}", fmt::join(who.types, ",")));
  }
  if (!names_its_publisher(fields))
    return;
  if (std::string name = auth::publisher_name(who); !name.empty()) {
    fields.emplace_back("publisher");
    fields.push_back(std::move(name));
  }
}

void replace_reserved_by(store::arguments& fields, std::string_view role) {
  constexpr std::string_view reserved[] = {"supervisor", "viewer", "publisher", "batch"};
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
    if (fields[i] == "by" && fields[i + 1] != role &&
        std::find(std::begin(reserved), std::end(reserved), fields[i + 1]) != std::end(reserved))
      fields[i + 1] = "worker";
}

http::response may_not_publish() {
  return http::problem(
      403,
      "These credentials may not publish jobs of this type or tenant, or not into this batch: whoever made it can name "
      "other publishers in group_publishers.",
      "Authorization");
}

} // namespace jobcast::api
