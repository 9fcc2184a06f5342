#include "jobcast/store/store.hpp"

#include "jobcast/base/log.hpp"
#include "jobcast/base/strings.hpp"
#include "jobcast/job/event.hpp"
#include "jobcast/redis/passing.hpp"

namespace jobcast::store {

namespace {

// Fills what is empty with the rows of the reply, in order. Returns true if none was left for another call.
bool take_records(redis::reply_view reply, std::vector<std::optional<record>>& into) {
  bool all = true;
  std::size_t row = 0;
  for (auto& one : into) {
    if (one)
      continue;
    redis::reply_view const here = reply[++row];
    if (here.is_array())
      one = read_record(here);
    else
      all = all && here.is_nil();
  }
  return all;
}

command_answer read_command(const redis::reply_ptr& reply) {
  redis::reply_view const view = reply.get();
  return {std::string(view[0].text()), read_record(view, 1)};
}

} // namespace

record_view view_record(redis::reply_view reply, std::size_t offset) {
  return {static_cast<std::uint64_t>(reply[offset].integer()),
          reply[offset + 1].text().find('f') != std::string_view::npos, reply[offset + 2].text()};
}

record read_record(redis::reply_view reply, std::size_t offset) {
  record_view const seen = view_record(reply, offset);
  return {seen.version, seen.final, std::string(seen.json)};
}

// Every record begins {"id":"...", and an id needs no escaping.
std::string_view id_of_record(std::string_view json) {
  constexpr std::size_t begin = std::string_view(R"({"id":")").size();
  return json.size() < begin ? std::string_view{} : json.substr(begin, json.find('"', begin) - begin);
}

std::string record::event_id() const {
  return job::to_string({job::id_of(json).updated_at, version});
}

failure failure_of(error_code ec, redis::reply_view reply) {
  if (ec)
    return {failure::kind::unavailable, {}, ec.message()};
  std::string_view text = reply.text();
  // "JOBCAST <field>: <what to change>", perhaps behind "ERR ".
  if (text.starts_with("ERR "))
    text.remove_prefix(4);
  if (constexpr std::string_view mark = "JOBCAST "; text.starts_with(mark)) {
    text.remove_prefix(mark.size());
    auto const colon = text.find(": ");
    if (colon != std::string_view::npos)
      return {failure::kind::refused, std::string(text.substr(0, colon)), std::string(text.substr(colon + 2))};
  }
  if (redis::is_denied(reply.text()))
    return {failure::kind::denied, {}, std::string(text)};
  if (redis::may_pass(text))
    return {failure::kind::unavailable, {}, std::string(text)};
  static thread_local complaint_gate complaints(std::chrono::seconds(1));
  log::warning(complaints, "redis answered an error: {}", text);
  return {failure::kind::broken, {}, std::string(text)};
}

task<result<redis::reply_ptr>> store::call(std::string_view function, arguments rest) {
  arguments all = strings("FCALL", function, "1", ns_);
  std::move(rest.begin(), rest.end(), std::back_inserter(all));
  auto answer = co_await client_.call(std::move(all));
  if (answer.ec || answer.reply().is_error())
    co_return failure_of(answer.ec, answer.reply());
  co_return std::move(answer.owned);
}

task<result<std::vector<std::optional<record>>>> store::get(std::vector<std::string> ids, std::string scope) {
  std::vector<std::optional<record>> out(ids.size());
  // A reply is bounded in bytes: records that found no room in one are read by the next.
  for (bool all = false; !all;) {
    arguments call;
    call.reserve(7 + ids.size());
    for (std::string_view const part :
         {std::string_view("FCALL"), std::string_view("jobcast_read"), std::string_view("1"), std::string_view(ns_),
          std::string_view(scope), std::string_view("later"), page_bytes})
      call.emplace_back(part);
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (!out[i])
        call.push_back(ids[i]);
    auto answer = co_await client_.call(std::move(call));
    if (answer.ec || answer.reply().is_error())
      co_return failure_of(answer.ec, answer.reply());
    all = take_records(answer.reply(), out);
  }
  co_return out;
}

arguments store::report_call(std::string_view ns, std::string_view id, const arguments& fields) {
  arguments all = strings("FCALL", "jobcast_report", "1", ns, id);
  all.insert(all.end(), fields.begin(), fields.end());
  return all;
}

result<report_answer> store::read_report(error_code ec, redis::reply_view reply) {
  if (ec || reply.is_error())
    return failure_of(ec, reply);
  return report_answer{std::string(reply[0].text()), static_cast<std::uint64_t>(reply[1].integer()),
                       reply[2].text() == "cancel_requested"};
}

void store::keep_refused(redis::client& client, std::string_view ns, std::string_view id, std::string_view field,
                         std::string_view reason, redis::client::handler done) {
  client.call({"XADD", fmt::format("{}:refused", ns), "MAXLEN", "1000", "*", "id", id.substr(0, 128), "field",
               field.substr(0, 80), "reason", reason},
              std::move(done));
}

task<result<report_answer>> store::report(std::string id, arguments fields) {
  auto answer = co_await client_.call(report_call(ns_, id, fields));
  co_return read_report(answer.ec, answer.reply());
}

task<result<command_answer>> store::create(std::string id, arguments fields) {
  fields.insert(fields.begin(), std::move(id));
  auto reply = co_await call("jobcast_create", std::move(fields));
  if (!reply)
    co_return reply.error();
  co_return read_command(*reply);
}

task<result<command_answer>> store::command(std::string id, std::string op, arguments fields) {
  auto all = strings(std::move(id), std::move(op));
  std::move(fields.begin(), fields.end(), std::back_inserter(all));
  auto reply = co_await call("jobcast_command", std::move(all));
  if (!reply)
    co_return reply.error();
  co_return read_command(*reply);
}

} // namespace jobcast::store
