// What viewers may do to a job, and its deletion.

#include "jobcast/api/access.hpp"
#include "jobcast/api/answers.hpp"
#include "jobcast/api/endpoints.hpp"

#include <fmt/format.h>

namespace jobcast::api {

namespace {

std::string nobody_follows(std::string_view ns) {
  return fmt::format("Nobody would run this job again: no consumer group has read the stream {}:commands in the last 5 "
                     "minutes. Follow that stream, or set dispatch or user_retry for the job's type in [jobs.types].",
                     ns);
}

// The right is judged in the call that does it, so that no job is commanded that became another's in between.
task<http::answer> run(context& c, auth::identity_ptr who, std::string id, std::string op, std::string attempt,
                       std::string_view not_offered) {
  if (auto bad = check_job_id(id))
    co_return std::move(*bad);
  auto fields = bounding_fields(*who, auth::action::command, id);
  if (!attempt.empty()) {
    fields.emplace_back("attempt");
    fields.push_back(std::move(attempt));
  }
  auto done = co_await c.store.command(id, std::move(op), std::move(fields));
  if (!done)
    co_return problem_of(c, done.error());
  if (done->what == "missing")
    co_return not_found(id);
  if (done->what == "ignored:stale_attempt")
    co_return http::problem(409, "The job is at another attempt, so the outcome of this one is not the job's.",
                            "attempt");
  if (done->what == "ignored:not_followed")
    co_return http::problem(409, nobody_follows(c.config.redis.ns));
  if (done->what != "ok")
    co_return http::problem(409, not_offered);
  co_return record_response(c, 202, done->now.event_id(), done->now.final, done->now.json);
}

} // namespace

task<http::answer> post_cancel(context& c, http::request& r, parts at) {
  return run(c, r.who, at[0], "cancel", {},
             "This job cannot be cancelled any more: it is over. Its `can` says what it offers.");
}

task<http::answer> post_retry(context& c, http::request& r, parts at) {
  return run(
      c, r.who, at[0], "retry", {},
      "This job offers no retry: it did not fail, or its type has user_retry = false, or only reports made it and "
      "its type has neither dispatch nor user_retry.");
}

task<http::answer> post_seen(context& c, http::request& r, parts at) {
  auto const attempt = r.parameter("attempt");
  if (attempt && attempt->empty())
    co_return http::problem(400, "Name the attempt whose outcome was seen, or leave it out.", "attempt");
  co_return co_await run(c, r.who, at[0], "seen", std::string(attempt.value_or(std::string_view())),
                         "This job is not over yet, so there is no outcome to have seen.");
}

task<std::string> run_command(context& c, auth::identity_ptr who, std::string op, std::string id,
                              std::uint64_t attempt) {
  auto const run = op == "cancel" ? post_cancel : op == "retry" ? post_retry : post_seen;
  http::request r;
  r.who = std::move(who);
  if (attempt != 0)
    r.query.emplace_back("attempt", std::to_string(attempt));
  if (auto refused = check_may_ever(c, r, auth::action::command))
    co_return refused->body;
  http::answer const done = co_await run(c, r, parts(&id, 1));
  auto const& response = std::get<http::response>(done);
  co_return response.status < 300 ? std::string() : response.body;
}

task<http::answer> delete_job(context& c, http::request& r, parts at) {
  if (auto bad = check_job_id(at[0]))
    co_return std::move(*bad);
  auto done = co_await c.store.command(at[0], "delete", bounding_fields(*r.who, auth::action::publish, at[0]));
  if (!done)
    co_return problem_of(c, done.error());
  if (done->what == "missing")
    co_return not_found(at[0]);
  http::response out;
  out.status = 204;
  co_return out;
}

} // namespace jobcast::api
