#include "jobcast/store/policies.hpp"

#include "jobcast/base/log.hpp"
#include "jobcast/base/strings.hpp"
#include "jobcast/job/json_text.hpp"

#include <algorithm>
#include <iterator>

namespace jobcast::store {

namespace {

using answer = redis::client::answer;

std::string to_json(std::string_view match, const failure_settings& f) {
  std::string out = R"({"match":)";
  job::append_json_string(out, match);
  auto const put = [&](std::string_view name, const std::optional<std::string>& value) {
    if (!value)
      return;
    out.append(",\"").append(name).append("\":");
    job::append_json_string(out, *value);
  };
  put("title", f.title);
  put("detail", f.detail);
  put("action", f.action);
  put("link", f.link);
  put("severity", f.severity);
  return out + '}';
}

// Codes are fields of the policy, patterns one list with the longest, which says most, first.
void put_failures(std::vector<std::string>& policy, const failure_catalogue& catalogue) {
  std::vector<failure_catalogue::const_pointer> patterns;
  for (auto const& entry : catalogue)
    if (entry.first.find('*') != std::string::npos) {
      patterns.push_back(&entry);
    } else {
      policy.push_back("failure:" + entry.first);
      policy.push_back(to_json(entry.first, entry.second));
    }
  if (patterns.empty())
    return;
  std::stable_sort(patterns.begin(), patterns.end(),
                   [](auto const* a, auto const* b) { return a->first.size() > b->first.size(); });
  std::string list = "[";
  for (auto const* entry : patterns)
    list.append(list.size() > 1 ? "," : "").append(to_json(entry->first, entry->second));
  policy.emplace_back("failures");
  policy.push_back(list + ']');
}

// field, value pairs of `[jobs]` and of one type; unset ones are left out, so that the function's defaults hold.
std::vector<std::string> global_policy(const settings& s) {
  std::vector<std::string> out{"create_on_report", s.jobs.create_on_report ? "1" : "0",
                               "lease_ms",         std::to_string(s.jobs.lease.count()),
                               "retention_ms",     std::to_string(s.jobs.retention.count()),
                               "abandoned_ms",     std::to_string(s.jobs.abandoned.count()),
                               "max_result",       std::to_string(s.limits.result),
                               "max_input",        std::to_string(s.limits.input)};
  put_failures(out, s.jobs.failures);
  return out;
}

std::vector<std::string> type_policy(const type_settings& t) {
  std::vector<std::string> out;
  auto const put = [&](std::string_view name, std::string value) {
    out.emplace_back(name);
    out.push_back(std::move(value));
  };
  auto const put_ms = [&](std::string_view name, const std::optional<milliseconds>& value) {
    if (value)
      put(name, std::to_string(value->count()));
  };
  put_ms("lease_ms", t.lease);
  put_ms("grace_ms", t.grace);
  put_ms("start_timeout_ms", t.start_timeout);
  if (t.on_stall)
    put("on_stall", *t.on_stall);
  if (t.max_attempts)
    put("max_attempts", std::to_string(*t.max_attempts));
  if (t.backoff) {
    put("backoff_base_ms", std::to_string(t.backoff->base.count()));
    put("backoff_factor", fmt::format("{}", t.backoff->factor));
    put("backoff_cap_ms", std::to_string(t.backoff->cap.count()));
  }
  if (t.dispatch)
    put("dispatch", *t.dispatch ? "1" : "0");
  if (t.user_retry)
    put("user_retry", *t.user_retry ? "1" : "0");
  put_failures(out, t.failures);
  return out;
}

std::string problem_with(const answer& a) {
  if (a.ec)
    return a.ec.message();
  return a.reply().is_error() ? std::string(a.reply().text()) : std::string();
}

void may_be_left(std::string_view problem) {
  log::warning("policies of job types that are not in [jobs] may still be in Redis: {}", problem);
}

} // namespace

std::vector<std::string> policies_of(const settings& s) {
  std::vector<std::string> all;
  auto const put = [&](std::string type, std::vector<std::string> fields) {
    all.push_back(std::move(type));
    all.push_back(std::to_string(fields.size()));
    std::move(fields.begin(), fields.end(), std::back_inserter(all));
  };
  put("", global_policy(s));
  for (auto const& [type, values] : s.jobs.types)
    put(type, type_policy(values));
  return all;
}

task<policies_answer> write_policies(redis::client& client, std::string ns, policies_right right,
                                     std::vector<std::string> policies) {
  std::vector<std::string> call =
      strings("FCALL", "jobcast_policies", "1", std::move(ns), right == policies_right::take ? "take" : "renew");
  std::move(policies.begin(), policies.end(), std::back_inserter(call));
  auto done = co_await client.call(std::move(call));
  if (std::string problem = problem_with(done); !problem.empty())
    co_return policies_answer(boost::system::in_place_error, std::move(problem));
  auto const said = done.reply();
  co_return policies_answer(boost::system::in_place_value, std::string(said[1].text()), std::string(said[2].text()),
                            said[3].integer() == 1);
}

task<void> forget_stray_policies(redis::client& client, std::string ns) {
  std::string const prefix = ns + ":policy:";
  std::vector<std::string> found, cursor = strings("0");
  do {
    auto page = co_await client.call(strings("SCAN", cursor[0], "MATCH", prefix + "*", "COUNT", "1000"));
    if (std::string const problem = problem_with(page); !problem.empty())
      co_return may_be_left(problem);
    cursor[0] = page.reply()[0].text();
    auto const keys = page.reply()[1];
    for (std::size_t i = 0; i < keys.size(); ++i)
      found.emplace_back(keys[i].text().substr(prefix.size()));
  } while (cursor[0] != "0");
  std::vector<std::string> call = strings("FCALL", "jobcast_policies", "1", std::move(ns), "forget");
  std::move(found.begin(), found.end(), std::back_inserter(call));
  auto done = co_await client.call(std::move(call));
  if (std::string const problem = problem_with(done); !problem.empty())
    may_be_left(problem);
  else if (done.reply()[1].integer() > 0)
    log::info("deleted the policies of {} job types that are not in [jobs]", done.reply()[1].integer());
}

} // namespace jobcast::store
