#include "jobcast/api/router.hpp"

#include "jobcast/api/access.hpp"
#include "jobcast/api/answers.hpp"
#include "jobcast/api/cors.hpp"
#include "jobcast/api/endpoints.hpp"
#include "jobcast/base/log.hpp"

#include <algorithm>
#include <iterator>

namespace jobcast::api {

namespace {

constexpr std::string_view fault = "This is a fault of the gateway; its log says more.";
// Of faults that a stranger may know how to repeat.
complaint_gate& faults() {
  static thread_local complaint_gate gate(std::chrono::seconds(1));
  return gate;
}
// Where no credentials are asked for, no body is either.
constexpr std::size_t anonymous_body = 4096;

/// What the caller must be allowed to do to some job at least; the endpoint looks at which.
enum class needs : std::uint8_t {
  nothing,
  maybe_later, ///< a WebSocket, whose client may say who it is afterwards
  read,
  command,
  publish,
  operate,
};

struct route {
  std::string_view method;
  std::string_view pattern; ///< segments separated by '/'; "*" takes any one
  endpoint run;
  needs access;
};

constexpr route routes[] = {
    {"GET", "api/jobs/*/status", get_status, needs::read},
    {"GET", "api/jobs/*/events", get_job_events, needs::read},
    {"GET", "api/jobs/*/history", get_history, needs::read},
    {"GET", "api/jobs", get_jobs, needs::read},
    {"GET", "api/inbox", get_inbox, needs::read},
    {"GET", "api/events", get_events, needs::read},
    {"GET", "api/ws", get_websocket, needs::maybe_later},
    {"POST", "api/jobs/*/report", post_report, needs::publish},
    {"POST", "api/reports", post_reports, needs::publish},
    {"POST", "api/jobs", post_jobs, needs::publish},
    {"POST", "api/jobs/*/cancel", post_cancel, needs::command},
    {"POST", "api/jobs/*/retry", post_retry, needs::command},
    {"POST", "api/jobs/*/seen", post_seen, needs::command},
    {"POST", "api/watch-links", post_watch_links, needs::command},
    {"DELETE", "api/jobs/*", delete_job, needs::publish},
    {"GET", "healthz", get_health, needs::nothing},
    {"GET", "readyz", get_ready, needs::nothing},
    {"GET", "metrics", get_metrics, needs::operate},
    {"GET", "openapi.yaml", get_openapi, needs::nothing},
    {"GET", "jobcast.js", get_client, needs::nothing},
    {"GET", "components.js", get_client, needs::nothing},
    {"GET", "jobcast.global.js", get_client, needs::nothing},
};

bool matches(std::string_view pattern, const std::vector<std::string>& path, std::vector<std::string>* open) {
  std::size_t i = 0;
  for (bool last = false; !last; ++i) {
    auto const slash = pattern.find('/');
    last = slash == std::string_view::npos;
    std::string_view const segment = pattern.substr(0, slash);
    if (i == path.size() || (segment != "*" && segment != path[i]))
      return false;
    if (segment == "*" && open)
      open->push_back(path[i]);
    if (!last)
      pattern.remove_prefix(slash + 1);
  }
  return i == path.size();
}

const route* route_of(std::string_view method, const std::vector<std::string>& path) {
  const auto* const found = std::find_if(std::begin(routes), std::end(routes), [&](const route& candidate) {
    return candidate.method == method && matches(candidate.pattern, path, nullptr);
  });
  return found == std::end(routes) ? nullptr : found;
}

std::string allowed_methods(const std::vector<std::string>& path) {
  std::string allow;
  auto const add = [&](std::string_view method) { allow.append(allow.empty() ? "" : ", ").append(method); };
  for (const route& r : routes)
    if (matches(r.pattern, path, nullptr)) {
      add(r.method);
      if (r.method == "GET")
        add("HEAD");
    }
  return allow;
}

bool is_for_everyone(const route* r) {
  return r && (r->run == get_client || r->run == get_openapi);
}

http::response preflight(const cors_settings& cors, http::request& r, bool for_everyone) {
  if (!for_everyone && !origin_allowed(cors, r.field("Origin")))
    return http::problem(403, "This origin is not in cors.origins; add it exactly as the browser sends it.", "Origin");
  http::response out;
  out.status = 204;
  out.headers = preflight_headers(r.fields->list("Access-Control-Request-Headers"));
  out.for_everyone = for_everyone;
  return out;
}

std::optional<http::response> check_access(context& c, http::request& r, needs access) {
  if (access == needs::nothing)
    return std::nullopt;
  if (access == needs::operate)
    r.who = c.auth->identify_scraper({.authorization = r.field("Authorization")});
  if (!r.who)
    if (auto refused = identify(c, r))
      return refused;
  if (auto refused = check_room(c, r))
    return refused;
  // A page of another site has the browser's cookies sent along, but cannot hide where it is from.
  bool const by_cookie = r.who && r.who->by_cookie;
  if (by_cookie && r.method != "GET" && !may_command(c.config.cors, r.field("Origin"), r.host(), true))
    return http::problem(403, by_cookie_needs_origin, "Origin");
  switch (access) {
  case needs::nothing:
  case needs::maybe_later:
    return std::nullopt;
  case needs::read:
    return check_may_ever(c, r, auth::action::read);
  case needs::command:
    return check_may_ever(c, r, auth::action::command);
  case needs::publish:
    return check_may_ever(c, r, auth::action::publish);
  case needs::operate:
    return check_may_ever(c, r, auth::action::operate);
  }
  return std::nullopt;
}

std::optional<http::response> check_coding(const http::request& r) {
  std::string const coding = r.fields->list("Content-Encoding");
  if (coding.empty() || coding == "identity")
    return std::nullopt;
  http::response out =
      http::problem(415, "A body that is compressed is not read; send it as it is.", "Content-Encoding");
  out.add("Accept-Encoding", "identity");
  return out;
}

bool has_line(std::string_view headers, std::string_view name) {
  for (std::size_t at = 0; (at = headers.find(name, at)) != std::string_view::npos; at += name.size())
    if ((at == 0 || headers[at - 1] == '\n') && headers.substr(at + name.size()).starts_with(':'))
      return true;
  return false;
}

// Not more than whoever guessed a path needs to find the right one.
std::string wrong_method(const http::request& r, const std::string& allow) {
  std::string text = "This path does not take " + std::string(r.method) + "; it takes " + allow + ".";
  if (r.method == "GET" && matches("api/jobs/*", r.path, nullptr))
    text += " The record of a job is at /api/jobs/<id>/status.";
  return text;
}

} // namespace

// Nothing if the request may go on to its endpoint, or to the files.
std::optional<http::response> router::refuse(http::request& r) {
  if (context_.auth->open() && !names_this_machine(context_.config.cors, r.host()))
    return http::problem(403,
                         "Without keys in [auth] the gateway answers to this machine's names alone; list the origin in "
                         "cors.origins.",
                         "Host");
  bool const is_preflight = r.method == "OPTIONS" && !r.field("Access-Control-Request-Method").empty();
  bool const command = r.method != "GET" && r.method != "OPTIONS";
  if (command && !may_command(context_.config.cors, r.field("Origin"), r.host()))
    return http::problem(403, "Pages of this origin may not send commands; add it to cors.origins.", "Origin");
  if (is_preflight)
    return preflight(context_.config.cors, r, is_for_everyone(route_of("GET", r.path)));
  if (const route* found = route_of(r.method, r.path)) {
    if (is_for_everyone(found))
      return check_anonymous_rate(context_, r);
    auto refused = check_access(context_, r, found->access);
    return refused || r.method == "GET" ? std::move(refused) : check_coding(r);
  }
  std::string const allow = allowed_methods(r.path);
  bool const of_the_api = !r.path.empty() && r.path.front() == "api";
  if (allow.empty() && r.method == "GET" && !of_the_api)
    return check_anonymous_rate(context_, r);
  http::response refusal;
  if (r.method == "OPTIONS")
    refusal.status = 204;
  else
    refusal = allow.empty() ? http::problem(404, "There is nothing at this path; see /openapi.yaml.")
                            : http::problem(405, wrong_method(r, allow));
  if (!allow.empty())
    refusal.add("Allow", allow);
  return refusal;
}

http::verdict router::judge(http::request& r) {
  http::verdict out;
  try {
    out.refusal = refuse(r);
  } catch (const std::exception& e) {
    log::error(faults(), "judging {} failed: {}", r.method, e.what());
    out.refusal = http::problem(500, fault);
  }
  const limit_settings& limits = context_.config.limits;
  bool const publisher = r.who && auth::may_ever(*r.who, auth::action::publish);
  // Of the others nobody has anything long to say, and they must not keep publishers out.
  out.body.bytes = limits.body;
  if (!publisher) {
    http::body_limit const less = r.who ? http::body_limit{limits.message, "limits.message, for who may not publish"}
                                        : http::body_limit{anonymous_body, "where no credentials are asked for"};
    if (less.bytes < out.body.bytes)
      out.body = less;
  }
  return out;
}

net::admission::client router::holder(const asio::ip::address& peer, const http::request* r) {
  if (r)
    return holder_of(context_, *r);
  net::admission::client out;
  if (!context_.trusted_proxies->contains(peer))
    out.address = peer;
  return out;
}

task<http::answer> router::handle(http::request& r) {
  try {
    const route* const found = route_of(r.method, r.path);
    if (!found)
      co_return co_await get_file(context_, r, r.path);
    std::vector<std::string> open;
    matches(found->pattern, r.path, &open);
    co_return co_await found->run(context_, r, open);
  } catch (const std::exception& e) {
    log::error(faults(), "answering {} failed: {}", r.method, e.what());
  }
  co_return http::problem(500, fault);
}

void router::decorate(const http::request* r, http::response& out) {
  out.headers += context_.date.at(context_.clock.now());
  if (r) {
    std::string const cors = cors_headers(context_.config.cors, r->field("Origin"));
    // For who is listed the origin is named, since a star does not go with credentials.
    out.headers += cors.empty() && out.for_everyone ? "Access-Control-Allow-Origin: *\r\n" : cors;
    // A connection that is kept between requests is a place, which only some may still have.
    out.close = out.close || (context_.crowded() && !has_reserve(*r));
  }
  // The client that asks again at once learns nothing new.
  if (out.status == 404 && !has_line(out.headers, "Retry-After"))
    add_retry_after(context_, out, {});
  if (!has_line(out.headers, "Vary"))
    out.headers += "Vary: Origin\r\n";
}

} // namespace jobcast::api
