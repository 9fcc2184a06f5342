// Reports and creations as JSON: one object, or many on lines of their own. What is accepted becomes names and values
// in pairs, and what was given as raw JSON is a piece of what was sent.
#include "jobcast/job/ndjson.hpp"
#include "jobcast/job/report_json.hpp"
#include "require.hpp"

#include <cstdint>
#include <rapidjson/document.h>
#include <set>
#include <string>

using namespace jobcast::job;

namespace {

void check(std::string_view json, const boost::system::result<parsed_report, field_problem>& read) {
  if (!read) {
    require(!read.error().field.empty() && !read.error().detail.empty());
    return;
  }
  require(read->fields.size() % 2 == 0);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < read->fields.size(); i += 2) {
    require(names.insert(read->fields[i]).second);
    require(read->fields[i] != "id");
    if (read->fields[i] == "result" || read->fields[i] == "input")
      require(json.find(read->fields[i + 1]) != json.npos);
  }
  // What another reader takes for something else must not be accepted.
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
  require(!document.HasParseError() ? document.IsObject()
                                    : document.GetParseError() == rapidjson::kParseErrorStringInvalidEncoding);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view const body(reinterpret_cast<const char*>(data), size);
  check(body, report_from_json(body));
  std::size_t taken = 0;
  std::string_view rest = body;
  for (std::string_view line; !(line = take_line(rest)).empty();) {
    require(line.find('\n') == line.npos && line.data() >= body.data() + taken);
    taken = static_cast<std::size_t>(line.data() - body.data()) + line.size();
    check(line, report_from_json(line));
  }
  require(rest.empty() && taken <= body.size());
  return 0;
}
