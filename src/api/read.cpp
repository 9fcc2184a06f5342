// What viewers read: one record, its history, lists of records.

#include "jobcast/api/access.hpp"
#include "jobcast/api/answers.hpp"
#include "jobcast/api/endpoints.hpp"
#include "jobcast/api/entity_tags.hpp"
#include "jobcast/base/clock.hpp"
#include "jobcast/base/distinct.hpp"
#include "jobcast/base/strings.hpp"
#include "jobcast/job/json_text.hpp"
#include "jobcast/job/report_json.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace jobcast::api {

namespace {

constexpr std::size_t ids_per_list = 100;

/// N of `Prefer: wait=N` (RFC 7240, section 4.3), at most `limits.long_poll`.
std::optional<milliseconds> preferred_wait(std::string_view prefer, milliseconds most) {
  for (std::size_t at = 0; (at = prefer.find("wait=", at)) != std::string_view::npos; at += 5) {
    if (at > 0 && prefer[at - 1] != ' ' && prefer[at - 1] != ',' && prefer[at - 1] != ';')
      continue;
    unsigned seconds = 0;
    auto const digits = prefer.substr(at + 5);
    auto const [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (ec != std::errc{} || end == digits.data())
      return std::nullopt;
    return std::min<milliseconds>(std::chrono::seconds(std::min(seconds, 86'400u)), most);
  }
  return std::nullopt;
}

http::response not_modified(http::response full) {
  full.status = 304;
  full.body.clear();
  return full;
}

std::string joined(const std::vector<store::record>& records) {
  std::string body;
  for (const store::record& r : records)
    body.append(body.empty() ? "" : ",").append(r.json);
  return body;
}

// FNV-1a over ids and versions: equal lists have equal tags.
std::string list_tag(const std::vector<store::record>& records, std::string_view cursor) {
  std::uint64_t hash = 14695981039346656037ull;
  auto const mix = [&](std::string_view bytes) {
    for (unsigned char c : bytes)
      hash = (hash ^ c) * 1099511628211ull;
  };
  for (const store::record& r : records) {
    mix(r.id());
    mix(r.event_id());
  }
  mix(cursor);
  return fmt::format("{:016x}", hash);
}

http::response list_response(const http::request& r, const std::vector<store::record>& records, std::string_view cursor,
                             std::optional<std::uint64_t> unseen = std::nullopt) {
  http::response out;
  out.headers = private_headers();
  std::string const tag = list_tag(records, unseen ? fmt::format("{} {}", *unseen, cursor) : std::string(cursor));
  out.add("ETag", fmt::format("\"{}\"", tag));
  out.body = R"({"jobs":[)" + joined(records) + ']';
  if (unseen)
    out.body += fmt::format(R"(,"unseen":{})", *unseen);
  if (!cursor.empty()) {
    out.body += R"(,"cursor":)";
    job::append_json_string(out.body, cursor);
  }
  out.body += '}';
  return names_tag(r.fields->list("If-None-Match"), tag) ? not_modified(std::move(out)) : out;
}

store::arguments filters_of(const http::request& r, std::initializer_list<std::string_view> names) {
  store::arguments filters;
  for (std::string_view name : names)
    if (auto const value = r.parameter(name); value && !value->empty())
      filters.insert(filters.end(), {std::string(name), std::string(*value)});
  return filters;
}

// Apart, since GCC 12 miscompiles initializer lists in coroutines.
store::arguments list_filters(const http::request& r) {
  return filters_of(r, {"status", "type", "group", "cursor", "limit"});
}
store::arguments inbox_filters(const http::request& r) {
  return filters_of(r, {"cursor", "limit"});
}
store::arguments history_fields(const http::request& r, std::string_view id) {
  auto fields = filters_of(r, {"cursor"});
  auto bounds = bounding_fields(*r.who, auth::action::read, id);
  std::move(bounds.begin(), bounds.end(), std::back_inserter(fields));
  return fields;
}

task<http::answer> jobs_by_ids(context& c, http::request& r, std::string_view ids) {
  distinct named(ids_per_list);
  for (bool last = false; !last;) {
    auto const comma = ids.find(',');
    last = comma == std::string_view::npos;
    std::string_view const id = ids.substr(0, comma);
    if (auto bad = check_job_id(id, "ids"))
      co_return std::move(*bad);
    if (!named.add(id))
      co_return http::problem(400, "Up to 100 ids can be asked for at once.", "ids");
    if (!last)
      ids.remove_prefix(comma + 1);
  }
  std::vector<std::string> wanted = named.take();
  // One scope for all of them, or none.
  std::string scope = own_scope(*r.who, wanted.front());
  if (std::any_of(wanted.begin(), wanted.end(), [&](const std::string& id) { return own_scope(*r.who, id).empty(); }))
    scope.clear();
  auto found = co_await c.lists.by_ids(std::move(wanted), std::move(scope), reader_of(c, r));
  if (!found)
    co_return problem_of(c, found.error());
  std::erase_if(*found, [&](const store::record& one) { return !may(*r.who, auth::action::read, one.json); });
  co_return list_response(r, *found, {});
}

} // namespace

task<http::answer> get_status(context& c, http::request& r, parts at) {
  std::string const& id = at[0];
  if (auto bad = check_job_id(id))
    co_return std::move(*bad);
  std::string scope = own_scope(*r.who, id);
  auto found = co_await c.reads.get(id, std::move(scope));
  if (!found)
    co_return problem_of(c, found.error());
  // From here on the job of another is a missing one: it is held as long, and nothing that happens to it is heard.
  store::record const* const now = *found && may(*r.who, auth::action::read, (*found)->json) ? found->get() : nullptr;
  std::string const now_id = now ? now->event_id() : std::string();

  std::string const match = r.fields->list("If-None-Match");
  auto wait = preferred_wait(r.field("Prefer"), c.config.limits.long_poll);
  // Nobody is told more than their credentials last.
  if (wait && r.who->expires_at != 0)
    wait = std::min(*wait, milliseconds(std::max<std::int64_t>(r.who->expires_at - now_ms(), 0)));
  std::optional<poll_place> place;
  if (wait && !r.abandoned() && (!now || (!now->final && !match.empty() && names_tag(match, now_id))))
    place = admit_poll(c, r);
  hub::event_ptr news;
  if (place) {
    hub::poll_request asked{watching(r), id, now_id, *wait, r.client};
    news = co_await c.wait_for_change(std::move(asked));
  }
  // The answer may wait for its reader; the poll is over.
  bool const held = place.has_value();
  place.reset();
  bool const missing = news ? news->kind() == hub::event_kind::missing : !now;
  http::response out = missing ? not_found(id)
                       : news  ? record_response(c, 200, news->id(), news->final(), news->data())
                               : record_response(c, 200, now_id, now->final, now->json);
  if (wait)
    out.add("Preference-Applied", fmt::format("wait={}", held ? wait->count() / 1000 : 0));
  bool const same = !missing && !match.empty() && names_tag(match, news ? news->id() : now_id);
  co_return same ? not_modified(std::move(out)) : std::move(out);
}

task<http::answer> get_history(context& c, http::request& r, parts at) {
  std::string const& id = at[0];
  if (auto bad = check_job_id(id))
    co_return std::move(*bad);
  auto page = co_await c.lists.history(id, history_fields(r, id), reader_of(c, r));
  if (!page)
    co_return problem_of(c, page.error());
  if (!*page)
    co_return not_found(id);
  http::response out;
  out.headers = private_headers();
  out.body = R"({"id":)";
  job::append_json_string(out.body, id);
  out.body += R"(,"entries":[)";
  for (const store::history_entry& entry : (*page)->entries) {
    out.body += out.body.ends_with('[') ? "{" : ",{";
    for (auto const& [name, value] : entry.fields) {
      if (!out.body.ends_with('{'))
        out.body += ',';
      job::append_json_string(out.body, name);
      out.body += ':';
      // The function wrote these itself: numbers and one JSON object as such, the rest is text.
      if (name == "version" || name == "at" || name == "attempt" || name == "error" || name == "duration")
        out.body += value;
      else
        job::append_json_string(out.body, value);
    }
    out.body += '}';
  }
  out.body += ']';
  if (!(*page)->cursor.empty())
    out.body += fmt::format(R"(,"cursor":"{}")", (*page)->cursor);
  out.body += '}';
  co_return out;
}

task<http::answer> get_jobs(context& c, http::request& r, parts) {
  if (auto const ids = r.parameter("ids"))
    co_return co_await jobs_by_ids(c, r, *ids);
  auto scope = scope_of(r);
  if (auto* bad = std::get_if<http::response>(&scope)) {
    if (!r.parameter("owner"))
      co_return http::problem(400, "Say which jobs: ?ids=a,b or ?owner=...", "ids");
    co_return std::move(*bad);
  }
  auto page = co_await c.lists.list(std::move(std::get<std::string>(scope)), list_filters(r), reader_of(c, r));
  if (!page)
    co_return problem_of(c, page.error());
  co_return list_response(r, page->records, page->cursor);
}

task<http::answer> get_inbox(context& c, http::request& r, parts) {
  auto scope = scope_of(r);
  if (auto* bad = std::get_if<http::response>(&scope))
    co_return std::move(*bad);
  auto page = co_await c.lists.inbox(std::move(std::get<std::string>(scope)), inbox_filters(r), reader_of(c, r));
  if (!page)
    co_return problem_of(c, page.error());
  co_return list_response(r, page->records, page->cursor, page->unseen);
}

} // namespace jobcast::api
