// POST /api/jobs (protocol section 5).

#include "jobcast/api/access.hpp"
#include "jobcast/api/answers.hpp"
#include "jobcast/api/endpoints.hpp"
#include "jobcast/api/links.hpp"
#include "jobcast/auth/publisher.hpp"
#include "jobcast/base/clock.hpp"
#include "jobcast/job/job_key.hpp"
#include "jobcast/job/ownership.hpp"
#include "jobcast/job/report_json.hpp"
#include "jobcast/notify/request.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace jobcast::api {

namespace {

constexpr std::size_t key_limit = 255;
constexpr std::string_view already_over =
    "The job with this id is over, so nothing begins. A second run takes a new id, or POST /api/jobs/<id>/retry.";

bool is_idempotency_key(std::string_view key) {
  return !key.empty() && key.size() <= key_limit &&
         std::all_of(key.begin(), key.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

// 130 random bits: as hard to guess and to meet twice as a UUID.
std::string random_job_id() {
  static constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::random_device source;
  std::string id = "j";
  for (int i = 0; i < 26; ++i)
    id += alphabet[source() % alphabet.size()];
  return id;
}

// Where a guest can watch the job, with a signature where one is needed.
std::string watch_url(context& c, const store::command_answer& made) {
  auto const of = job::ownership_of(made.now.json);
  return link_url(
      c, {.jobs = {of.id}, .owner = {}, .tenant = of.tenant, .expires_at = now_ms() + c.config.auth.link_ttl.count()});
}

http::response created(context& c, const store::command_answer& made) {
  http::response out = record_response(c, 202, made.now.event_id(), made.now.final, made.now.json);
  out.add("Location", fmt::format("/api/jobs/{}/status", made.now.id()));
  if (made.now.final)
    out.add("Retry-After", "0");
  if (made.what == "replayed")
    out.add("Idempotent-Replayed", "true");
  out.body.pop_back();
  if (made.now.final)
    out.body += fmt::format(R"(,"already_over":true,"notice":"{}")", already_over);
  out.body += R"(,"watch_url":")" + watch_url(c, made) + R"("})";
  return out;
}

// Has the function tell a repeated request from another one. `id`: becomes the job's, if the request names none.
void add_key(const auth::identity& who, std::string_view key, store::arguments& fields, std::string* id) {
  std::string hash = job::request_hash(fields);
  auto const add = [&](std::string_view name, std::string value) {
    fields.emplace_back(name);
    fields.push_back(std::move(value));
  };
  add("request", std::move(hash));
  add("keyed", "1");
  if (!id)
    return;
  *id = job::keyed_job_id(auth::idempotency_scope(who), key);
  if (std::string const former = auth::former_idempotency_scope(who); !former.empty())
    add("former", job::keyed_job_id(former, key));
}

std::optional<http::response> check_notify(const job::pairs& fields, const notify_settings& config) {
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2)
    if (fields[i] == "notify")
      if (auto const problem = notify::check_request(fields[i + 1], config))
        return http::problem(400, problem->field + " " + problem->detail, problem->field);
  return std::nullopt;
}

} // namespace

task<http::answer> post_jobs(context& c, http::request& r, parts) {
  auto parsed = job::report_from_json(r.body, job::bad_side_value::refuse);
  if (!parsed)
    co_return http::problem(400, parsed.error().detail, parsed.error().field);
  std::string_view const key = r.field("Idempotency-Key");
  bool const with_key = r.fields->has("Idempotency-Key");
  if (with_key && !is_idempotency_key(key))
    co_return http::problem(400, "An idempotency key is 1 to 255 visible ASCII characters.", "Idempotency-Key");
  if (!parsed->id.empty())
    if (auto bad = check_job_id(parsed->id))
      co_return std::move(*bad);

  if (auto bad = check_notify(parsed->fields, c.config.notify))
    co_return std::move(*bad);

  std::string id = std::move(parsed->id);
  bool const named = !id.empty();
  store::arguments fields = std::move(parsed->fields);
  if (!key.empty())
    add_key(*r.who, key, fields, named ? nullptr : &id);
  else if (!named)
    id = random_job_id();
  replace_reserved_by(fields, "publisher");
  add_publisher_bounds(*r.who, fields);

  auto made = co_await c.store.create(id, std::move(fields));
  if (!made)
    co_return problem_of(c, made.error(), r.body);
  if (made->what == "forbidden")
    co_return may_not_publish();
  if (made->what == "conflict:exists")
    co_return http::problem(409,
                            "A job with this id exists; choose another, or send an Idempotency-Key to repeat a request "
                            "safely. A second run "
                            "takes a new id, or POST /api/jobs/<id>/retry.",
                            "id");
  if (made->what == "conflict:request")
    co_return named
        ? http::problem(422, "The job with this id was made by a request with another body.", "id")
        : http::problem(422, "This key was used for a request with another body; use a new key for a new request.",
                        "Idempotency-Key");
  co_return created(c, *made);
}

} // namespace jobcast::api
