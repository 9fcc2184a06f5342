// Reports over HTTP: one, or a batch of lines.

#include "jobcast/api/access.hpp"
#include "jobcast/api/answers.hpp"
#include "jobcast/api/endpoints.hpp"
#include "jobcast/base/survive.hpp"
#include "jobcast/job/json_text.hpp"
#include "jobcast/job/ndjson.hpp"
#include "jobcast/job/report_json.hpp"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <memory>

namespace jobcast::api {

namespace {

std::string answer_json(const store::report_answer& a) {
  return fmt::format(R"({{"result":"{}","version":{},"cancel_requested":{}}})", a.result, a.version,
                     a.cancel_requested);
}

std::string line_problem(const http::response& p) {
  return R"({"problem":)" + p.body + '}';
}

// One NDJSON line: what it says, or why it cannot be sent.
struct line {
  std::string_view text;
  store::arguments call{}; ///< empty if refused
  std::string answer{};
  std::optional<job::field_problem> refusal{}; ///< by the gateway itself
};

line refused(std::string_view text, job::field_problem why) {
  std::string answer = line_problem(http::problem(400, why.detail, why.field));
  return {.text = text, .answer = std::move(answer), .refusal = std::move(why)};
}

// Refused by the gateway itself, and kept as the function keeps what it refuses.
http::response refuse_report(context& c, std::string_view id, std::string_view detail, std::string_view field) {
  store::store::keep_refused(c.store.client(), c.store.ns(), id, field, detail);
  return http::problem(400, detail, field);
}

line read_line(context& c, const auth::identity& who, std::string_view text) {
  auto parsed = job::report_from_json(text);
  if (!parsed)
    return refused(text, parsed.error());
  if (parsed->id.empty())
    return refused(text, {"id", "Each line names its job: {\"id\":...}.", {}});
  replace_reserved_by(parsed->fields, "worker");
  add_publisher_bounds(who, parsed->fields);
  return {.text = text, .call = store::store::report_call(c.store.ns(), parsed->id, parsed->fields)};
}

std::vector<line> read_lines(context& c, const auth::identity& who, std::string_view body) {
  std::vector<line> lines;
  // One more than are allowed tells that there are too many.
  for (std::string_view text; lines.size() <= c.config.limits.batch && !(text = job::take_line(body)).empty();)
    lines.push_back(read_line(c, who, text));
  return lines;
}

// Sends all calls at once, so that they share writes and round trips, and waits for the last answer.
task<> send_all(context& c, std::vector<line>& lines) {
  auto const ex = co_await asio::this_coro::executor;
  std::size_t awaited = 0;
  for (const line& l : lines)
    awaited += !l.call.empty();
  if (awaited == 0)
    co_return;
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void()>(
      [&](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        for (line& l : lines) {
          if (l.call.empty())
            continue;
          std::vector<std::string_view> const views(l.call.begin(), l.call.end());
          c.store.client().call(views, [&c, &l, &awaited, shared](error_code ec, redis::reply_view reply) {
            bool const answered = survive([&] {
              auto const done = store::store::read_report(ec, reply);
              l.answer = !done                         ? line_problem(problem_of(c, done.error(), l.text))
                         : done->result == "forbidden" ? line_problem(may_not_publish())
                                                       : answer_json(*done);
            });
            if (!answered)
              l.answer = "{}"; // in place, needs no memory
            if (--awaited == 0)
              (*shared)();
          });
        }
      },
      use_awaitable);
}

} // namespace

task<http::answer> post_report(context& c, http::request& r, parts at) {
  std::string const& id = at[0];
  if (auto bad = check_job_id(id)) {
    store::store::keep_refused(c.store.client(), c.store.ns(), id, "id", "the path names no job id");
    co_return std::move(*bad);
  }
  auto parsed = job::report_from_json(r.body);
  if (!parsed)
    co_return refuse_report(c, id, parsed.error().detail, parsed.error().field);
  if (!parsed->id.empty() && parsed->id != id)
    co_return refuse_report(c, id, "The id in the body is not the one in the path; leave it out.", "id");
  replace_reserved_by(parsed->fields, "worker");
  add_publisher_bounds(*r.who, parsed->fields);
  auto done = co_await c.store.report(id, std::move(parsed->fields));
  if (!done)
    co_return problem_of(c, done.error(), r.body);
  if (done->result == "forbidden")
    co_return may_not_publish();
  http::response out;
  out.headers = "Cache-Control: no-store\r\n";
  out.body = answer_json(*done);
  co_return out;
}

task<http::answer> post_reports(context& c, http::request& r, parts) {
  std::vector<line> lines = read_lines(c, *r.who, r.body);
  if (lines.size() > c.config.limits.batch)
    co_return http::problem(413,
                            fmt::format("One request carries up to {} lines (limits.batch).", c.config.limits.batch));
  if (lines.empty())
    co_return http::problem(400, "Send one JSON object per line, each with the id of its job.", "body");
  // Only now: a batch that is refused as a whole must not push the refusals of others out.
  for (const line& l : lines)
    if (l.refusal)
      store::store::keep_refused(c.store.client(), c.store.ns(), l.refusal->id, l.refusal->field, l.refusal->detail);
  co_await send_all(c, lines);
  http::response out;
  out.content_type = "application/x-ndjson";
  out.headers = "Cache-Control: no-store\r\n";
  for (const line& l : lines)
    out.body.append(l.answer).append("\n");
  co_return out;
}

} // namespace jobcast::api
