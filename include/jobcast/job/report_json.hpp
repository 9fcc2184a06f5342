// From the JSON a worker sends (HTTP body, NDJSON line, PUBLISH payload) to the flat field/value pairs that the Redis
// functions take (docs/functions.md). Pure.
//
// The function library is the authority on values: this translates shape. What cannot be expressed as pairs is refused
// if it says which job it is or what became of it, or is unknown; side fields of a report are left out instead, so that
// an outcome never waits for one. Raw JSON (`result`, `input`) is passed on byte for byte.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::job {

struct field_problem {
  std::string field;  ///< as the sender wrote it, dotted; "body" for the whole
  std::string detail; ///< what to change, one sentence
  std::string id{};   ///< the job, if it was named before the problem
};

/// field, value, field, value, ...
using pairs = std::vector<std::string>;

/// Accepts the record's own shape (`"progress":{"percent":42}`, `"error":{...}`, `"labels":{...}`), the short names
/// (`"percent":42`), and dotted ones (`"error.title":"..."`). Strings are unescaped, numbers and booleans passed as
/// written, null means absent. Unknown names are passed on for the function to refuse. `id` is left out of the pairs
/// and answered in `id`. A name given twice is a problem, since last-wins and first-wins readers would differ.
struct parsed_report {
  pairs fields;
  std::string id; ///< empty if none was given
};
/// What a side field does (progress, error, labels, result, lease ...) that cannot be expressed as pairs.
enum class bad_side_value {
  leave_out, ///< reports: the field is named in `left_out`, which the function writes into the history
  refuse     ///< creations
};
/// Of the body of POST /api/jobs too, whose `notify` and `input` stay raw JSON. A number or boolean for a side text is
/// taken as its text, as it would be over Redis.
boost::system::result<parsed_report, field_problem> report_from_json(std::string_view json,
                                                                     bad_side_value bad = bad_side_value::leave_out);

/// How the sender of `json`, which report_from_json() took, wrote the name of `field` of its pairs: `progress.percent`
/// for `percent` that came within `progress`. `field` itself if it is none of them. For when a function refused the
/// field: reads the whole text again.
std::string name_as_sent(std::string_view json, std::string_view field);

/// What is_job_id() asks for, as texts for users name it.
inline constexpr std::string_view job_id_rule =
    "1 to 128 of the characters A-Z a-z 0-9 . _ : -, and not `.` or `..`, which no URL reaches";
bool is_job_id(std::string_view id);
/// The same alphabet, 1-64.
bool is_type_name(std::string_view type);

} // namespace jobcast::job
