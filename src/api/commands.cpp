// What viewers may do to a job, and its deletion.

#include "jobcast/api/access.hpp"
#include "jobcast/api/answers.hpp"
#include "jobcast/api/endpoints.hpp"

namespace jobcast::api {

namespace {

using command = task<store::result<store::command_answer>> (store::store::*)(std::string, std::string);

task<http::answer> run(context& c, auth::identity_ptr who, const std::string& id, command what,
                       std::string_view not_offered) {
  if (auto bad = check_job_id(id))
    co_return std::move(*bad);
  auto refused = co_await check_may(c, who, auth::action::command, id);
  if (refused)
    co_return std::move(*refused);
  auto done = co_await (c.store.*what)(id, "viewer");
  if (!done)
    co_return problem_of(c, done.error());
  if (done->what == "missing")
    co_return not_found(id);
  if (done->what != "ok")
    co_return http::problem(409, not_offered);
  co_return record_response(c, 202, done->now.event_id(), done->now.final, done->now.json);
}

} // namespace

task<http::answer> post_cancel(context& c, http::request& r, parts at) {
  co_return co_await run(c, r.who, at[0], &store::store::cancel,
                         "This job cannot be cancelled any more: it is over. Its `can` says what it offers.");
}

task<http::answer> post_retry(context& c, http::request& r, parts at) {
  co_return co_await run(c, r.who, at[0], &store::store::retry,
                         "This job does not offer a retry now. Its `can` says what it offers.");
}

task<http::answer> post_seen(context& c, http::request& r, parts at) {
  co_return co_await run(c, r.who, at[0], &store::store::seen,
                         "This job is not over yet, so there is no outcome to have seen.");
}

task<std::string> run_command(context& c, auth::identity_ptr who, std::string op, std::string id) {
  auto const run = op == "cancel" ? post_cancel : op == "retry" ? post_retry : post_seen;
  http::request r;
  r.who = std::move(who);
  if (auto refused = check_may_ever(c, r, auth::action::command))
    co_return refused->body;
  http::answer const done = co_await run(c, r, parts(&id, 1));
  auto const& response = std::get<http::response>(done);
  co_return response.status < 300 ? std::string() : response.body;
}

task<http::answer> delete_job(context& c, http::request& r, parts at) {
  if (auto bad = check_job_id(at[0]))
    co_return std::move(*bad);
  auto refused = co_await check_may(c, r.who, auth::action::publish, at[0]);
  if (refused)
    co_return std::move(*refused);
  auto done = co_await c.store.remove(at[0]);
  if (!done)
    co_return problem_of(c, done.error());
  if (!*done)
    co_return not_found(at[0]);
  http::response out;
  out.status = 204;
  co_return out;
}

} // namespace jobcast::api
