#include "jobcast/stream/ws_message.hpp"

#include "jobcast/base/byte_order_mark.hpp"
#include "jobcast/job/report_json.hpp"
#include "jobcast/stream/ws_codec.hpp"

#include <algorithm>
#include <iterator>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace jobcast::stream {

namespace {

constexpr std::size_t longest_echo = 128;

struct op_name {
  std::string_view name;
  ws_op op;
};
constexpr op_name ops[] = {{"watch", ws_op::watch}, {"unwatch", ws_op::unwatch}, {"cancel", ws_op::cancel},
                           {"retry", ws_op::retry}, {"seen", ws_op::seen},       {"auth", ws_op::auth},
                           {"ping", ws_op::ping}};

std::string_view text_of(const rapidjson::Value& v) {
  return {v.GetString(), v.GetStringLength()};
}

const rapidjson::Value* member(const rapidjson::Value& in, const char* name) {
  auto const at = in.FindMember(name);
  return at == in.MemberEnd() ? nullptr : &at->value;
}

// Strings and numbers are echoed; whatever else stands there is not an id.
std::string echo_of(const rapidjson::Value& message) {
  auto const* id = member(message, "id");
  if (!id || !(id->IsString() || id->IsNumber()) || (id->IsString() && id->GetStringLength() > longest_echo))
    return {};
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> writer(out);
  id->Accept(writer);
  std::string_view const text{out.GetString(), out.GetSize()};
  // Half a surrogate pair, which JSON can write and a text frame cannot hold.
  utf8_checker utf8;
  return utf8.feed(text) && utf8.complete() ? std::string(text) : std::string();
}

class reader {
 public:
  reader(const rapidjson::Value& message, std::size_t most_jobs)
      : message_(message)
      , most_jobs_(most_jobs) {
    out_.echo = echo_of(message);
  }

  boost::system::result<ws_message, ws_problem> read() {
    auto const* op = member(message_, "op");
    if (!op || !op->IsString())
      return problem("op",
                     "Every message is an object with an `op`: watch, unwatch, cancel, retry, seen, auth or ping.");
    auto const* known =
        std::find_if(std::begin(ops), std::end(ops), [&](const op_name& o) { return o.name == text_of(*op); });
    if (known == std::end(ops))
      return problem("op", "This op is not known; there are watch, unwatch, cancel, retry, seen, auth and ping.");
    out_.op = known->op;
    switch (out_.op) {
    case ws_op::watch:
    case ws_op::unwatch:
      return read_watch();
    case ws_op::cancel:
    case ws_op::retry:
    case ws_op::seen:
      return read_command();
    case ws_op::auth:
      return read_auth();
    case ws_op::ping:
      break;
    }
    return std::move(out_);
  }

 private:
  ws_problem problem(std::string field, std::string detail) { return {out_.echo, std::move(field), std::move(detail)}; }

  std::string too_many() const {
    return "One message names up to " + std::to_string(most_jobs_) + " jobs (limits.jobs_per_stream); send several.";
  }

  static bool is_id(const rapidjson::Value& v) { return v.IsString() && job::is_job_id(text_of(v)); }

  boost::system::result<ws_message, ws_problem> read_watch() {
    if (auto const* every = member(message_, "every")) {
      if (!every->IsBool())
        return problem("every", "This is true or false.");
      out_.every = every->GetBool();
    }
    for (auto [name, into] : {std::pair{"owner", &out_.owner}, std::pair{"tenant", &out_.tenant}})
      if (auto const* value = member(message_, name)) {
        if (!value->IsString() || value->GetStringLength() == 0)
          return problem(name, "This is a text that is not empty.");
        *into = text_of(*value);
      }
    auto const* jobs = member(message_, "jobs");
    if ((jobs != nullptr) == !out_.owner.empty())
      return problem("jobs", "Name either `jobs`, a list of ids, or an `owner`.");
    if (!jobs)
      return std::move(out_);
    if (!jobs->IsArray() || jobs->Empty())
      return problem("jobs", "This is a list of job ids that is not empty.");
    if (jobs->Size() > most_jobs_)
      return problem("jobs", too_many());
    for (auto const& id : jobs->GetArray()) {
      if (!is_id(id))
        return problem("jobs", "A job id is " + std::string(job::job_id_rule));
      out_.jobs.emplace_back(text_of(id));
    }
    std::sort(out_.jobs.begin(), out_.jobs.end());
    out_.jobs.erase(std::unique(out_.jobs.begin(), out_.jobs.end()), out_.jobs.end());
    auto const* versions = member(message_, "versions");
    if (!versions)
      return std::move(out_);
    if (!versions->IsObject())
      return problem("versions", "This is an object from job ids to the versions that are known.");
    if (versions->MemberCount() > most_jobs_)
      return problem("versions", too_many());
    for (auto const& known : versions->GetObject()) {
      if (!known.value.IsUint64())
        return problem("versions", "A version is a whole number.");
      out_.versions.emplace_back(text_of(known.name), known.value.GetUint64());
    }
    std::stable_sort(out_.versions.begin(), out_.versions.end(),
                     [](auto const& a, auto const& b) { return a.first < b.first; });
    return std::move(out_);
  }

  boost::system::result<ws_message, ws_problem> read_command() {
    auto const* job = member(message_, "job");
    if (!job || !is_id(*job))
      return problem("job", "Name the job: " + std::string(job::job_id_rule));
    out_.job = text_of(*job);
    if (auto const* attempt = member(message_, "attempt"); attempt && out_.op == ws_op::seen) {
      if (!attempt->IsUint64() || attempt->GetUint64() == 0)
        return problem("attempt", "The number of the attempt whose outcome was seen, from 1 on.");
      out_.attempt = attempt->GetUint64();
    }
    return std::move(out_);
  }

  boost::system::result<ws_message, ws_problem> read_auth() {
    auto const* token = member(message_, "token");
    if (!token || !token->IsString() || token->GetStringLength() == 0)
      return problem("token", "Send the token as a text.");
    out_.token = text_of(*token);
    return std::move(out_);
  }

  const rapidjson::Value& message_;
  std::size_t most_jobs_;
  ws_message out_;
};

} // namespace

std::uint64_t ws_message::version_of(std::string_view of) const {
  auto const at = std::lower_bound(versions.begin(), versions.end(), of,
                                   [](auto const& known, std::string_view id) { return known.first < id; });
  return at == versions.end() || at->first != of ? 0 : at->second;
}

boost::system::result<ws_message, ws_problem> read_ws_message(std::string_view json, std::size_t most_jobs) {
  json = without_byte_order_mark(json);
  rapidjson::Document doc;
  // Iterative, so that deep nesting cannot exhaust the stack.
  doc.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  // RapidJSON takes a NUL for the end.
  if (doc.HasParseError() || !doc.IsObject() || json.find('\0') != json.npos)
    return ws_problem{{}, "body", "A message is one JSON object."};
  return reader(doc, most_jobs).read();
}

} // namespace jobcast::stream
