#include "jobcast/store/library.hpp"

#include "jobcast/base/embedded.hpp"
#include "jobcast/base/log.hpp"
#include "jobcast/base/strings.hpp"
#include "jobcast/job/json_text.hpp"
#include "jobcast/redis/denied.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

namespace jobcast::store {

namespace {

using answer = redis::client::answer;

bool no_functions(std::string_view error) {
  return error.find("unknown command") != std::string_view::npos;
}

library_failure passing(const answer& a) {
  return {false, a.ec ? a.ec.message() : std::string(a.reply().text())};
}

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

struct policy {
  std::string key;
  std::vector<std::string> pairs;
};

std::vector<policy> policies_of(const settings& s) {
  std::vector<policy> all{{s.redis.ns + ":policy", global_policy(s)}};
  for (auto const& [type, values] : s.jobs.types)
    all.push_back({s.redis.ns + ":policy:" + type, type_policy(values)});
  return all;
}

// Replaces the hash in one step, so that no function sees half of it.
task<error_code> write_policy(redis::client& client, std::string key, std::vector<std::string> pairs) {
  static constexpr std::string_view script =
      "redis.call('DEL', KEYS[1]) if #ARGV > 0 then redis.call('HSET', KEYS[1], unpack(ARGV)) end";
  std::vector<std::string> call = strings("EVAL", script, "1", std::move(key));
  std::move(pairs.begin(), pairs.end(), std::back_inserter(call));
  auto done = co_await client.call(std::move(call));
  if (done.reply().is_error())
    log::warning("writing a policy to redis failed: {}", done.reply().text());
  co_return done.ec;
}

using installed = boost::system::result<void, library_failure>;

task<installed> install(redis::client& client, std::string ns, std::vector<policy> policies) {
  std::string const source(embedded::functions_lua());
  auto loaded = co_await client.call(strings("FUNCTION", "LOAD", source));
  if (loaded.ec)
    co_return passing(loaded);
  std::string_view const error = loaded.reply().is_error() ? loaded.reply().text() : std::string_view{};
  if (no_functions(error))
    co_return library_failure{true, "this Redis has no functions; use Redis 7 or later, or Valkey 7.2 or later"};
  if (error.find("already exists") != std::string_view::npos) {
    auto version = co_await client.call(strings("FCALL", "jobcast_version", "1", ns));
    if (version.ec || version.reply().is_error())
      co_return passing(version);
    library_version const theirs = parse_version(version.reply().text());
    library_version const ours = version_of_source(source);
    switch (decide(theirs, ours)) {
    case library_action::keep:
      break;
    case library_action::refuse:
      co_return library_failure{true, fmt::format("Redis holds version {}.{} of the function library and this gateway "
                                                  "needs {}.x; upgrade the older of the two",
                                                  theirs.major, theirs.minor, ours.major)};
    case library_action::replace:
      log::info("replacing version {}.{} of the function library by {}.{}", theirs.major, theirs.minor, ours.major,
                ours.minor);
      auto replaced = co_await client.call(strings("FUNCTION", "LOAD", "REPLACE", source));
      if (replaced.ec || replaced.reply().is_error())
        co_return passing(replaced);
    }
  } else if (!error.empty()) {
    // What is no fault of the library, such as a missing right, full memory or a replica, may pass.
    bool const ours = error.starts_with("ERR ") && !redis::is_denied(error);
    co_return library_failure{ours, "loading the function library failed: " + std::string(error)};
  }
  for (policy& one : policies)
    if (error_code ec = co_await write_policy(client, std::move(one.key), std::move(one.pairs)); ec)
      co_return library_failure{false, ec.message()};
  co_return boost::system::in_place_value;
}

} // namespace

library_version parse_version(std::string_view text) {
  library_version v;
  auto const dot = text.find('.');
  if (dot == std::string_view::npos)
    return {};
  auto const whole = [](std::string_view digits, unsigned& out) {
    auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return ec == std::errc{} && end == digits.data() + digits.size();
  };
  return whole(text.substr(0, dot), v.major) && whole(text.substr(dot + 1), v.minor) ? v : library_version{};
}

library_version version_of_source(std::string_view source) {
  constexpr std::string_view mark = "local VERSION = '";
  auto const at = source.find(mark);
  if (at == std::string_view::npos)
    return {};
  source.remove_prefix(at + mark.size());
  return parse_version(source.substr(0, source.find('\'')));
}

library_action decide(library_version loaded, library_version ours) {
  if (loaded.major != ours.major)
    return library_action::refuse;
  return loaded.minor < ours.minor ? library_action::replace : library_action::keep;
}

task<boost::system::result<void, library_failure>> install_library(redis::client& client, const settings& s) {
  return install(client, s.redis.ns, policies_of(s));
}

} // namespace jobcast::store
