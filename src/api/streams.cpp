// The requests that become event streams.

#include "jobcast/api/access.hpp"
#include "jobcast/api/answers.hpp"
#include "jobcast/api/cors.hpp"
#include "jobcast/api/endpoints.hpp"
#include "jobcast/base/distinct.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace jobcast::api {

namespace {

// What polyfills of EventSource, which may set no header, call it in the query.
constexpr std::string_view last_event_id_names[] = {"lastEventId", "lastEventID", "Last-Event-ID"};

std::string_view last_event_id(const http::request& r) {
  if (auto const header = r.field("Last-Event-ID"); !header.empty())
    return header;
  for (std::string_view const name : last_event_id_names)
    if (auto const given = r.parameter(name); given && !given->empty())
      return *given;
  return {};
}

hub::watch_request base_request(context& c, const http::request& r) {
  hub::watch_request out;
  out.every = r.parameter("every") == "true";
  out.head = r.head;
  out.chunked = !r.http10;
  out.last_event_id = last_event_id(r);
  out.who = watching(r);
  out.payer = payer_of(c, r);
  out.headers = c.date.at(c.clock.now()) + cors_headers(c.config.cors, r.field("Origin")) +
                "Vary: Authorization, Cookie, Origin\r\n";
  return out;
}

// A slip of the pen, such as ?jobs=.
std::string unknown_parameter(const http::request& r) {
  constexpr std::string_view known[] = {"", "every", "tenant", "link"};
  auto const lists = [](const auto& names, std::string_view name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  auto const at = std::find_if(r.query.begin(), r.query.end(), [&](auto const& p) {
    return !lists(known, p.first) && !lists(last_event_id_names, p.first);
  });
  return at == r.query.end() ? std::string() : "; there is no parameter " + at->first + ".";
}

http::answer opened(context& c, const http::request& r, hub::watch_request asked) {
  return take_over(c, r, [&c, asked = std::move(asked)](net::client_socket socket) mutable {
    c.open_stream(std::move(socket), std::move(asked));
  });
}

} // namespace

task<http::answer> get_job_events(context& c, http::request& r, parts at) {
  if (auto bad = check_job_id(at[0]))
    co_return std::move(*bad);
  hub::watch_request asked = base_request(c, r);
  asked.single = true;
  asked.jobs.push_back(at[0]);
  co_return opened(c, r, std::move(asked));
}

task<http::answer> get_events(context& c, http::request& r, parts) {
  hub::watch_request asked = base_request(c, r);
  distinct named(c.config.limits.jobs_per_stream);
  for (auto const& [name, value] : r.query) {
    if (name != "job")
      continue;
    if (auto bad = check_job_id(value, "job"))
      co_return std::move(*bad);
    if (!named.add(value))
      co_return http::problem(400,
                              fmt::format("One stream carries up to {} jobs (limits.jobs_per_stream); open several.",
                                          c.config.limits.jobs_per_stream),
                              "job");
  }
  asked.jobs = named.take();
  bool const by_owner = r.parameter("owner").has_value();
  if (by_owner && !asked.jobs.empty())
    co_return http::problem(400, "Ask for jobs or for an owner, not for both on one stream.", "owner");
  if (by_owner) {
    auto scope = scope_of(r);
    if (auto* bad = std::get_if<http::response>(&scope))
      co_return std::move(*bad);
    asked.scope = std::move(std::get<std::string>(scope));
  } else if (asked.jobs.empty() && r.who->what == auth::identity::kind::link && !r.who->jobs.empty()) {
    asked.jobs = r.who->jobs;
  } else if (asked.jobs.empty()) {
    co_return http::problem(400, "Say what to watch: ?job=a&job=b or ?owner=..." + unknown_parameter(r), "job");
  }
  co_return opened(c, r, std::move(asked));
}

} // namespace jobcast::api
