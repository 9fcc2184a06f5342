#include "http_fetch.hpp"
#include "jobcast/app/cli.hpp"
#include "jobcast/base/json_members.hpp"
#include "jobcast/job/json_text.hpp"
#include "jobcast/job/report_json.hpp"
#include "refusal_text.hpp"

#include <ostream>
#include <rapidjson/document.h>

namespace jobcast::app {

namespace {

constexpr std::string_view result_is = "result=";

bool is_json(std::string_view text) {
  rapidjson::Document parsed;
  parsed.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  return !parsed.HasParseError();
}

/// Values go as text, which the gateway reads as whatever the field takes; a result is JSON already.
std::string json_of(const std::vector<std::string>& fields) {
  std::string json;
  for (const auto& field : fields) {
    const auto equals = field.find('=');
    const auto name = field.substr(0, equals), value = field.substr(equals + 1);
    json += json.empty() ? '{' : ',';
    job::append_json_string(json, name);
    json += ':';
    if (name == "result")
      json += value;
    else
      job::append_json_string(json, value);
  }
  return json.empty() ? "{}" : json + "}";
}

} // namespace

int report(const std::string& url, const std::string& id, const std::vector<std::string>& fields, std::ostream& out,
           std::ostream& errors) {
  fetch_request request;
  request.method = "POST";
  request.headers.emplace_back("Content-Type", "application/json");
  add_credentials(request);
  if (!job::is_job_id(id)) {
    errors << "jobcast: a job id is " << job::job_id_rule << "\n";
    return 2;
  }
  for (const auto& field : fields)
    if (field.find('=') == std::string::npos || field.starts_with('=')) {
      errors << "jobcast: " << field << " is no field=value, such as status=processing or percent=42\n";
      return 2;
    }
  if (!aim(request, url, "/api/jobs/" + id + "/report")) {
    errors << "jobcast: " << url << " is no URL such as " << default_url << "\n";
    return 2;
  }
  for (const auto& field : fields)
    if (field.starts_with(result_is) && !is_json(std::string_view(field).substr(result_is.size()))) {
      errors << "jobcast: result takes JSON; put text in double quotes: 'result=\"...\"'\n";
      return 2;
    }
  request.body = json_of(fields);
  if (const auto checked = job::report_from_json(request.body); !checked) {
    errors << "jobcast: " << checked.error().field << " " << checked.error().detail << "\n";
    return 2;
  }

  std::string answer;
  const auto status = fetch(request, [&](unsigned, std::string_view piece) {
    answer += piece;
    return answer.size() < 1024 * 1024;
  });
  if (!status) {
    errors << "jobcast: cannot reach " << url << ": " << status.error().why << "\n";
    return 1;
  }
  if (*status != 200) {
    errors << "jobcast: " << refusal_text(*status, answer) << "\n";
    return 1;
  }
  out << answer << (answer.ends_with('\n') ? "" : "\n");
  for (json_members members(answer); members.next();)
    if (members.name() == "result" && members.value() != R"("ok")") {
      errors << "jobcast: the report changed nothing: " << members.value() << "\n";
      return 1;
    }
  return 0;
}

} // namespace jobcast::app
