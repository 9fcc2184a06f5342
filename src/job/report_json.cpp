#include "jobcast/job/report_json.hpp"

#include "report_fields.hpp"

#include <algorithm>
#include <optional>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <utility>

namespace jobcast::job {

namespace {

constexpr std::size_t max_depth = 32; // of a raw value, as the function library counts it
constexpr std::size_t max_fields = 256;

/// The functions trust the gateway to set these: a sender who could would forge replays, or speak for the publisher.
bool is_of_the_gateway(std::string_view name) {
  constexpr std::string_view names[] = {"request",    "keyed",     "former",  "for_types",
                                        "for_tenant", "publisher", "left_out"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// Receives the reader's events. Returning false ends the parse with `problem` set.
class collector {
 public:
  /// `name`: of a field, to become what the sender called it; or null.
  collector(std::string_view original, const rapidjson::MemoryStream& stream, bad_side_value bad, std::string* name)
      : original_(original)
      , stream_(stream)
      , bad_(bad)
      , name_(name) {}

  parsed_report report;
  std::optional<field_problem> problem;
  std::vector<std::string> left_out; ///< side fields that cannot be said in pairs

  bool Null() { return in_raw() ? after_raw_value(0) : leaf("null", {}, true); }
  bool Bool(bool value) { return in_raw() ? after_raw_value(0) : leaf("true or false", value ? "true" : "false"); }
  /// The reader has just passed the number, and may have read a tamer one in its place.
  bool RawNumber(const char*, rapidjson::SizeType size, bool) {
    return in_raw() ? after_raw_value(0) : leaf("a number", original_.substr(stream_.Tell() - size, size));
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return in_raw() ? after_raw_value(0) : leaf("text", {text, size});
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) { return in_raw() || begin_member({text, size}); }

  bool StartObject() { return start("an object"); }
  bool StartArray() { return start("a list"); }
  bool EndObject(rapidjson::SizeType) { return end(); }
  bool EndArray(rapidjson::SizeType) { return end(); }

  // Never called with kParseNumbersAsStringsFlag.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  bool in_raw() const { return raw_start_ != std::string_view::npos; }

  bool fail(std::string field, std::string detail) {
    problem = field_problem{std::move(field), std::move(detail), {}};
    return false;
  }

  bool begin_member(std::string_view key) {
    if (key.empty() && container_ != "labels")
      return fail(container_.empty() ? "body" : container_, "has a member without a name; name it or leave it out");
    sent_as_ = container_.empty() ? std::string(key) : container_ + "." + std::string(key);
    rule_ = rule_for(container_, key);
    if (key.empty() && !may_leave_out())
      return fail(container_, "has a member without a name; name it or leave it out");
    if (name_ && rule_.name == *name_)
      *name_ = sent_as_;
    if (is_of_the_gateway(rule_.name))
      return fail(rule_.name, "is not a field of this request; leave it out");
    // In this order, so that a member beyond the last that is kept costs no search.
    bool const full = seen_.size() == max_fields, side = may_leave_out();
    bool const twice = !(full && side) && std::find(seen_.begin(), seen_.end(), rule_.name) != seen_.end();
    if (twice || full) {
      if (side) {
        leave_out();
        raw_start_ = value_start();
        return true;
      }
      return twice ? fail(sent_as_, "is given twice; keep one")
                   : fail("body", "has too many members; send at most 256");
    }
    seen_.push_back(rule_.name);
    if (rule_.what == takes::raw)
      raw_start_ = value_start();
    return true;
  }

  bool may_leave_out() const { return bad_ == bad_side_value::leave_out && is_side_field(rule_.name); }

  /// The current member; its value is passed over. Labels count as one, since their names are the sender's.
  bool leave_out() {
    std::string name = rule_.name.starts_with("labels.") ? "labels" : rule_.name;
    if (std::find(left_out.begin(), left_out.end(), name) == left_out.end())
      left_out.push_back(std::move(name));
    passing_over_ = true;
    return true;
  }

  /// The reader has just passed the key's closing quote; the value stands behind white space and one colon.
  std::size_t value_start() const {
    constexpr std::string_view between = " \t\r\n:";
    return std::min(original_.find_first_not_of(between, stream_.Tell()), original_.size());
  }

  bool leaf(std::string_view given, std::string_view text, bool null = false) {
    if (depth_ == 0)
      return fail("body", "must be a JSON object");
    if (null)
      return true;
    if (rule_.what == takes::members)
      return may_leave_out() ? leave_out_leaf() : fail(sent_as_, "must be an object, not " + std::string(given));
    if (rule_.what == takes::text && given != "text" && !may_leave_out())
      return fail(sent_as_, "must be text, not " + std::string(given) + "; put it in quotes");
    return add(std::string(text));
  }

  bool leave_out_leaf() {
    leave_out();
    passing_over_ = false;
    return true;
  }

  bool add(std::string value) {
    if (rule_.name == "id") {
      if (!is_job_id(value))
        return fail("id", "must be " + std::string(job_id_rule));
      report.id = std::move(value);
      return true;
    }
    report.fields.push_back(rule_.name);
    report.fields.push_back(std::move(value));
    return true;
  }

  bool start(std::string_view given) {
    if (in_raw()) {
      if (++raw_depth_ > max_depth && !may_leave_out())
        return fail(rule_.name, "is nested too deeply; at most 32 levels");
      return true;
    }
    const bool object = given == "an object";
    if (depth_ == 0) {
      if (!object)
        return fail("body", "must be a JSON object, not " + std::string(given));
    } else if (may_leave_out() && (rule_.what != takes::members || !object)) {
      leave_out();
      raw_start_ = 0;
      raw_depth_ = 1;
      return true;
    } else if (rule_.what != takes::members) {
      return fail(sent_as_, "must be a single value, not " + std::string(given) +
                                " (progress, error and labels have members, result may be any JSON)");
    } else if (!object) {
      return fail(sent_as_, "must be an object, not " + std::string(given));
    } else {
      container_ = rule_.name;
    }
    ++depth_;
    return true;
  }

  bool end() {
    if (in_raw()) {
      --raw_depth_;
      return after_raw_value(1); // the iterative reader reports the end before it takes the bracket
    }
    --depth_;
    container_.clear();
    return true;
  }

  bool after_raw_value(std::size_t beyond) {
    if (raw_depth_ > 0)
      return true;
    const auto text = original_.substr(raw_start_, stream_.Tell() + beyond - raw_start_);
    raw_start_ = std::string_view::npos;
    if (std::exchange(passing_over_, false))
      return true;
    return text == "null" || add(std::string(text));
  }

  std::string_view original_;
  const rapidjson::MemoryStream& stream_;
  bad_side_value bad_;
  std::string* name_;
  std::vector<std::string> seen_;
  std::string container_; ///< `progress`, `error`, `labels`, or empty
  std::string sent_as_;   ///< the current member as the sender wrote it
  field_rule rule_;       ///< of the current member
  std::size_t depth_ = 0;
  std::size_t raw_start_ = std::string_view::npos;
  std::size_t raw_depth_ = 0;
  bool passing_over_ = false; ///< the raw value is that of a field that is left out
};

/// The code unit of a `\uXXXX` escape at `at`, if there is one.
std::optional<unsigned> escaped_unit(std::string_view json, std::size_t at) {
  if (json.size() < at + 6 || json[at] != '\\' || json[at + 1] != 'u')
    return std::nullopt;
  unsigned unit = 0;
  for (const char c : json.substr(at + 2, 4)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    if (digit < 0)
      return std::nullopt;
    unit = unit * 16 + static_cast<unsigned>(digit);
  }
  return unit;
}

/// A message cut inside an emoji ends in half a surrogate pair, which RapidJSON refuses; an outcome must not be lost
/// over that. Such halves become U+FFFD, an escape of the same length, so that offsets keep their meaning.
void replace_lone_surrogates(std::string& json) {
  constexpr auto is_high = [](unsigned unit) { return unit >= 0xD800 && unit < 0xDC00; };
  constexpr auto is_low = [](unsigned unit) { return unit >= 0xDC00 && unit < 0xE000; };
  for (auto at = json.find('\\'); at != std::string::npos; at = json.find('\\', at)) {
    const auto unit = escaped_unit(json, at);
    if (!unit) {
      at += 2;
    } else if (const auto next = escaped_unit(json, at + 6); is_high(*unit) && next && is_low(*next)) {
      at += 12;
    } else {
      if (is_high(*unit) || is_low(*unit))
        json.replace(at + 2, 4, "fffd");
      at += 6;
    }
  }
}

/// Where the run of decimal digits at `at` ends.
std::size_t after_digits(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of("0123456789", at), text.size());
}

/// The end of the JSON number at `at` (RFC 8259, section 6); `at` if there is none.
std::size_t after_number(std::string_view text, std::size_t at) {
  auto const digit_at = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  std::size_t end = at + (at < text.size() && text[at] == '-');
  if (!digit_at(end))
    return at;
  end = text[end] == '0' ? end + 1 : after_digits(text, end);
  if (end < text.size() && text[end] == '.' && digit_at(end + 1))
    end = after_digits(text, end + 1);
  if (end < text.size() && (text[end] | 32) == 'e') {
    std::size_t const sign = end + 1 < text.size() && (text[end + 1] == '+' || text[end + 1] == '-') ? 1 : 0;
    if (digit_at(end + 1 + sign))
      end = after_digits(text, end + 1 + sign);
  }
  return end;
}

/// RapidJSON refuses numbers beyond a double, though it is only asked for their digits. What is wrong with a number is
/// for the function to say: long ones become `1.000` of the same length here, and are passed on as they were sent.
void tame_numbers(std::string& json) {
  constexpr std::size_t harmless = 4; // 1e99 and the like
  for (std::size_t at = 0; at < json.size(); ++at) {
    if (json[at] == '"') {
      while (++at < json.size() && json[at] != '"')
        at += json[at] == '\\';
      continue;
    }
    if (json[at] != '-' && (json[at] < '0' || json[at] > '9'))
      continue;
    std::size_t const end = after_number(json, at);
    if (end - at > harmless) {
      std::size_t const first = at + (json[at] == '-');
      json.replace(first, end - first, "1." + std::string(end - first - 2, '0'));
    }
    // To the end of whatever it is: `01` must not become two numbers.
    at = std::min(json.find_first_not_of("0123456789.eE+-", at), json.size()) - 1;
  }
}

boost::system::result<parsed_report, field_problem> parse(std::string_view json, bad_side_value bad,
                                                          std::string* name = nullptr) {
  std::string repaired(json);
  replace_lone_surrogates(repaired);
  tame_numbers(repaired);

  rapidjson::MemoryStream stream(repaired.data(), repaired.size());
  collector handler(json, stream, bad, name);
  rapidjson::Reader reader;
  // Iterative: the depth of what a stranger sends must not become the depth of our stack.
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  const auto outcome = reader.Parse<flags>(stream, handler);
  auto const problem = [&](std::string field, std::string detail) {
    return field_problem{std::move(field), std::move(detail), handler.report.id};
  };
  if (handler.problem)
    return problem(std::move(handler.problem->field), std::move(handler.problem->detail));
  if (outcome.IsError())
    return problem("body", std::string("is not valid JSON: ") + rapidjson::GetParseError_En(outcome.Code()) +
                               " (at byte " + std::to_string(outcome.Offset()) + ")");
  if (stream.Tell() != json.size()) // the reader takes a NUL byte for the end
    return problem("body", "is not valid JSON: a NUL byte at byte " + std::to_string(stream.Tell()));
  if (!handler.left_out.empty()) {
    std::string names;
    for (const auto& field : handler.left_out)
      names.append(names.empty() ? "" : ",").append(field);
    handler.report.fields.emplace_back("left_out");
    handler.report.fields.push_back(std::move(names));
  }
  return std::move(handler.report);
}

bool is_name(std::string_view text, std::size_t longest) {
  constexpr auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == ':' || c == '-';
  };
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), allowed);
}

} // namespace

boost::system::result<parsed_report, field_problem> report_from_json(std::string_view json, bad_side_value bad) {
  return parse(json, bad);
}

std::string name_as_sent(std::string_view json, std::string_view field) {
  std::string name(field);
  (void)parse(json, bad_side_value::leave_out, &name);
  return name;
}

bool is_job_id(std::string_view id) {
  return is_name(id, 128) && id != "." && id != "..";
}
bool is_type_name(std::string_view type) {
  return is_name(type, 64);
}

} // namespace jobcast::job
