#include "jobcast/api/answers.hpp"

#include "jobcast/auth/rules.hpp"
#include "jobcast/base/json_members.hpp"
#include "jobcast/job/report_json.hpp"
#include "jobcast/job/scope.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace jobcast::api {

http::response problem_of(context& c, const store::failure& f) {
  switch (f.what) {
  case store::failure::kind::refused:
    return http::problem(400, f.detail, f.field);
  case store::failure::kind::broken:
    return http::problem(500, "Redis answered an error; the gateway's log says which.");
  case store::failure::kind::too_many: {
    c.counters.rate_limited.add();
    http::response out = http::problem(
        429,
        "This address has read more jobs than its rate allows (limits.request_rate); ask for less, or less often.");
    out.add("Retry-After", std::to_string(f.wait_s));
    return out;
  }
  case store::failure::kind::denied:
  case store::failure::kind::unavailable:
    break;
  }
  http::response out = http::problem(
      503, f.what == store::failure::kind::denied
               ? "The gateway lacks a right in Redis; its log names it. What is stored is safe; try again."
               : "Redis is not reachable at the moment. What is stored is safe; try again.");
  out.add("Retry-After", std::to_string(1 + c.random() % 5));
  return out;
}

http::response problem_of(context& c, store::failure f, std::string_view body) {
  if (f.what == store::failure::kind::refused)
    f.field = job::name_as_sent(body, f.field);
  return problem_of(c, f);
}

http::response not_found(std::string_view id) {
  return http::problem(404, fmt::format("There is no job '{}' here that you may see.", id), "id");
}

std::optional<http::response> check_job_id(std::string_view id, std::string_view field) {
  if (job::is_job_id(id))
    return std::nullopt;
  return http::problem(400, fmt::format("A job id is {}.", job::job_id_rule), field);
}

namespace {

std::string_view not_yours(const auth::identity& who) {
  if (!who.sub.empty())
    return "These are not your jobs; ask for owner=me.";
  if (who.publish)
    return "An owner's jobs may be of types that these credentials may not see; name jobs instead.";
  return "These credentials see the jobs that they name; name jobs instead of an owner.";
}

} // namespace

std::variant<std::string, http::response> scope_of(const http::request& r) {
  auto const owner = r.parameter("owner");
  if (!owner || owner->empty())
    return http::problem(400, "Name the owner whose jobs are wanted.", "owner");
  bool const me = *owner == "me" && r.who->what != auth::identity::kind::open;
  if (me && r.who->sub.empty())
    return http::problem(400,
                         r.who->types.empty()
                             ? "These credentials are no owner's: there is no `me`. Name jobs, or an owner."
                             : "These credentials are no owner's: there is no `me`. Name jobs with ?ids= or ?job=.",
                         "owner");
  std::string_view const name = me ? r.who->sub : *owner;
  std::string_view const tenant = r.parameter("tenant").value_or(me ? std::string_view(r.who->tenant) : "");
  if (!auth::may_read_owner(*r.who, tenant, name))
    return http::problem(403, not_yours(*r.who), "owner");
  std::string scope = job::scope_key(tenant, name);
  if (scope.size() > 256)
    return http::problem(400, "Tenant and owner, percent-encoded, may take 256 bytes together.", "owner");
  return scope;
}

unsigned retry_after(std::string_view record, std::int64_t now, double load, std::uint32_t random) {
  double retry_at = 0, updated_at = 0, eta = 0;
  for (json_members all(record); all.next();)
    if (all.name() == "retry_at")
      retry_at = json_number(all.value());
    else if (all.name() == "updated_at")
      updated_at = json_number(all.value());
    else if (all.name() == "progress")
      for (json_members progress(all.value()); progress.next();)
        if (progress.name() == "eta")
          eta = json_number(progress.value());
  auto const at = static_cast<double>(now);
  double seconds = 1;
  if (retry_at > at)
    seconds = (retry_at - at) / 1000;
  else if (eta > 0)
    // Half the way, since an estimate is one, and progress is wanted before the end.
    seconds = std::clamp(eta / 2000, 1.0, 15.0);
  else if (updated_at > 0)
    seconds = std::clamp((at - updated_at) / 4000, 1.0, 15.0);
  seconds *= std::max(1.0, load) * (1 + 0.2 * static_cast<double>(random % 1000) / 1000);
  return static_cast<unsigned>(std::clamp(std::ceil(seconds), 1.0, 3600.0));
}

void add_retry_after(context& c, http::response& out, std::string_view record) {
  out.add("Retry-After",
          std::to_string(retry_after(record, c.clock.now(), c.load(), static_cast<std::uint32_t>(c.random()))));
}

std::string private_headers() {
  return "Cache-Control: private, no-cache\r\nVary: Authorization, Cookie, Origin, Prefer\r\n";
}

http::response record_response(context& c, unsigned status, std::string_view event_id, bool final,
                               std::string_view record) {
  http::response out;
  out.status = status;
  out.headers = private_headers();
  out.add("ETag", fmt::format("\"{}\"", event_id));
  if (!final)
    add_retry_after(c, out, record);
  out.body = record;
  return out;
}

} // namespace jobcast::api
