// POST /api/watch-links: a link that a guest without a login can follow jobs with.

#include "jobcast/api/links.hpp"
#include "jobcast/api/access.hpp"
#include "jobcast/api/answers.hpp"
#include "jobcast/api/endpoints.hpp"
#include "jobcast/base/clock.hpp"
#include "jobcast/job/json_text.hpp"
#include "jobcast/job/ownership.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <rapidjson/document.h>

namespace jobcast::api {

namespace {

struct wanted {
  auth::watch_link link;
  milliseconds ttl{};
};

std::variant<wanted, http::response> read_wanted(context& c, const http::request& r) {
  rapidjson::Document doc;
  doc.Parse<rapidjson::kParseIterativeFlag>(r.body.data(), r.body.size());
  if (doc.HasParseError() || !doc.IsObject())
    return http::problem(400, R"(Send an object such as {"jobs":["a"]} or {"owner":"me"}.)", "body");
  wanted out;
  out.ttl = c.config.auth.link_ttl;
  for (auto const& [name, value] : doc.GetObject()) {
    std::string_view const key(name.GetString(), name.GetStringLength());
    if (key == "jobs") {
      if (!value.IsArray() || value.Empty() || value.Size() > c.config.limits.jobs_per_stream)
        return http::problem(400, "This is a list of 1 to limits.jobs_per_stream job ids.", "jobs");
      for (auto const& id : value.GetArray()) {
        if (!id.IsString())
          return http::problem(400, "This is a list of job ids.", "jobs");
        if (auto bad = check_job_id({id.GetString(), id.GetStringLength()}, "jobs"))
          return std::move(*bad);
        out.link.jobs.emplace_back(id.GetString(), id.GetStringLength());
      }
    } else if (key == "owner") {
      if (!value.IsString() || std::string_view(value.GetString(), value.GetStringLength()) != "me")
        return http::problem(400, "A link can be had for your own jobs alone: \"me\".", "owner");
      out.link.owner = r.who->sub;
      if (out.link.owner.empty())
        return http::problem(400, "These credentials have no owner; name jobs instead.", "owner");
    } else if (key == "expires_in") {
      if (!value.IsUint() || value.GetUint() == 0)
        return http::problem(400, "This is a whole number of seconds, at least 1.", "expires_in");
      out.ttl = std::min(out.ttl, milliseconds(std::int64_t(value.GetUint()) * 1000));
    } else {
      return http::problem(400, "This is not a member; there are jobs, owner and expires_in.", key);
    }
  }
  if (out.link.jobs.empty() == out.link.owner.empty())
    return http::problem(400, "Name either jobs or an owner.", "jobs");
  return out;
}

// Where a link watches: the stream of one job ends with it.
std::string path_of(const auth::watch_link& link, bool signed_link) {
  if (!link.owner.empty())
    return "/api/events?owner=me";
  if (link.jobs.size() == 1)
    return "/api/jobs/" + link.jobs.front() + "/events";
  // What a signed link names need not be said twice.
  return signed_link ? "/api/events" : fmt::format("/api/events?job={}", fmt::join(link.jobs, "&job="));
}

} // namespace

std::string link_url(const context& c, const auth::watch_link& link) {
  std::string url = path_of(link, c.auth->makes_links());
  if (c.auth->makes_links())
    url.append(url.find('?') == url.npos ? "?link=" : "&link=").append(c.auth->make_link(link));
  return url;
}

task<http::answer> post_watch_links(context& c, http::request& r, parts) {
  auto read = read_wanted(c, r);
  if (auto* bad = std::get_if<http::response>(&read))
    co_return std::move(*bad);
  auto& [link, ttl] = std::get<wanted>(read);
  link.tenant = r.who->tenant;
  if (!link.jobs.empty()) {
    auto found = co_await c.store.get(link.jobs);
    if (!found)
      co_return problem_of(c, found.error());
    // Whoever asks must see each job now: a link to a job that is yet to come would be a link to anybody's.
    for (std::size_t i = 0; i < link.jobs.size(); ++i) {
      if (!(*found)[i] || !may(*r.who, auth::action::read, (*found)[i]->json))
        co_return not_found(link.jobs[i]);
      // A publisher serves all tenants, a guest is of one.
      std::string tenant = job::ownership_of((*found)[i]->json).tenant;
      if (i > 0 && tenant != link.tenant)
        co_return http::problem(400, "These jobs are of several tenants; ask for a link for each.", "jobs");
      link.tenant = std::move(tenant);
    }
  }
  link.expires_at = now_ms() + ttl.count();
  if (r.who->expires_at != 0)
    link.expires_at = std::min(link.expires_at, r.who->renew_by);
  std::string const url = link_url(c, link);
  if (url.size() > auth::longest_link)
    co_return http::problem(400, "So many ids do not fit in a link; ask for several links, or for owner \"me\".",
                            "jobs");
  http::response out;
  out.headers = "Cache-Control: no-store\r\n";
  out.body = R"({"url":)";
  job::append_json_string(out.body, url);
  if (c.auth->makes_links())
    out.body += fmt::format(R"(,"expires_at":{})", link.expires_at);
  out.body += '}';
  co_return out;
}

} // namespace jobcast::api
