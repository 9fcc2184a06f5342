#include "jobcast/job/report_json.hpp"

#include <doctest/doctest.h>

using namespace jobcast::job;
using strings = std::vector<std::string>;

namespace {

strings fields_of(std::string_view json) {
  const auto parsed = report_from_json(json);
  if (!parsed)
    FAIL(std::string(json), ": ", parsed.error().field, " ", parsed.error().detail);
  return parsed->fields;
}

field_problem problem_of(std::string_view json, bad_side_value bad = bad_side_value::leave_out) {
  const auto parsed = report_from_json(json, bad);
  REQUIRE_MESSAGE(parsed.has_error(), std::string(json));
  return parsed.error();
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

} // namespace

TEST_CASE("a report in the record's own shape becomes flat pairs") {
  CHECK(fields_of(R"({"status":"processing","progress":{"percent":42,"message":"Page 3 of 7"}})") ==
        strings{"status", "processing", "percent", "42", "message", "Page 3 of 7"});
  CHECK(fields_of(R"({"status":"failed","error":{"code":"timeout","retryable":true},"labels":{"region":"eu"}})") ==
        strings{"status", "failed", "error.code", "timeout", "error.retryable", "true", "labels.region", "eu"});
}

TEST_CASE("short and dotted names mean the same as nested ones") {
  CHECK(fields_of(R"({"percent":42})") == strings{"percent", "42"});
  CHECK(fields_of(R"({"progress.percent":42})") == strings{"percent", "42"});
  CHECK(fields_of(R"({"error.title":"Out of paper"})") == strings{"error.title", "Out of paper"});
}

TEST_CASE("the id is answered apart from the pairs") {
  const auto parsed = report_from_json(R"({"id":"inv-1","status":"done"})");
  REQUIRE(parsed.has_value());
  CHECK(parsed->id == "inv-1");
  CHECK(parsed->fields == strings{"status", "done"});
  CHECK(problem_of(R"({"id":"a b"})").field == "id");
  CHECK(problem_of(R"({"id":42})").field == "id");
}

TEST_CASE("numbers are passed as written") {
  CHECK(fields_of(R"({"current":12345678901234567890,"total":1.50,"eta":1e3,"percent":-0})") ==
        strings{"current", "12345678901234567890", "total", "1.50", "eta", "1e3", "percent", "-0"});
}

TEST_CASE("null means absent") {
  CHECK(fields_of(R"({"message":null,"progress":null,"labels":{"a":null},"result":null,"status":"done"})") ==
        strings{"status", "done"});
}

TEST_CASE("raw JSON is kept byte for byte") {
  for (const std::string raw :
       {"[]", "{}", "\"text \\u00e9\\/\"", "1.50", "12345678901234567890123", "true", "false", "[null]",
        "{ \"a\" : [1, {\"b\":null}],\n\t\"a\":2 }", "\"\xff\xfe\"", "\"cut emoji \\ud83d\"", "\"\\ud83d\\ude00\""})
    for (const std::string name : {"result", "input", "notify"}) {
      CAPTURE(raw);
      CHECK(fields_of("{\"" + name + "\":" + raw + "}") == strings{name, raw});
      CHECK(fields_of(" {\"percent\":1, \"" + name + "\"\n :\t" + raw + " , \"step\":\"x\"} ") ==
            strings{"percent", "1", name, raw, "step", "x"});
    }
}

TEST_CASE("names inside raw JSON are not fields") {
  CHECK(fields_of(R"({"result":{"id":"x","status":"failed","status":1}})") ==
        strings{"result", R"({"id":"x","status":"failed","status":1})"});
}

TEST_CASE("input may be 32 levels deep, and of a result the function judges") {
  CHECK(fields_of("{\"input\":" + nested(32) + "}") == strings{"input", nested(32)});
  const auto problem = problem_of("{\"input\":" + nested(33) + "}");
  CHECK(problem.field == "input");
  CHECK(problem.detail == "is nested too deeply; at most 32 levels");
  CHECK(fields_of("{\"result\":" + nested(33) + "}") == strings{"result", nested(33)});
}

TEST_CASE("a million brackets are refused without using the stack") {
  CHECK(problem_of("{\"input\":" + std::string(1'000'000, '[')).field == "input");
  CHECK(problem_of("{\"result\":" + std::string(1'000'000, '[')).field == "body");
  CHECK(problem_of(std::string(1'000'000, '[')).field == "body");
  std::string objects;
  for (int i = 0; i < 100'000; ++i)
    objects += "{\"error\":";
  CHECK(problem_of(objects).field == "error.error");
}

TEST_CASE("text is unescaped, and its bytes are passed on whatever they are") {
  CHECK(fields_of(R"({"message":"\u00e9\n\"\\ \ud83d\ude00"})") == strings{"message", "é\n\"\\ 😀"});
  CHECK(fields_of("{\"message\":\"\xff\xc3\"}") == strings{"message", "\xff\xc3"});
  CHECK(fields_of(R"({"message":"a\u0000b"})") == strings{"message", std::string("a\0b", 3)});
}

TEST_CASE("half of a surrogate pair becomes U+FFFD instead of losing the report") {
  CHECK(fields_of(R"({"message":"cut \ud83d"})") == strings{"message", "cut \uFFFD"});
  CHECK(fields_of(R"({"message":"\ude00 cut"})") == strings{"message", "\uFFFD cut"});
  CHECK(fields_of(R"({"message":"\ud83d\ud83d\ude00"})") == strings{"message", "\uFFFD😀"});
  CHECK(fields_of(R"({"message":"\\ud83d"})") == strings{"message", "\\ud83d"});
  CHECK(fields_of(R"({"message":"\ud83d\\ude00"})") == strings{"message", "\uFFFD\\ude00"});
}

TEST_CASE("unknown names are passed on for the function to refuse") {
  CHECK(fields_of(R"({"colour":"red","shape":1})") == strings{"colour", "red", "shape", "1"});
  CHECK(fields_of(R"({"progress":{"status":"done"}})") == strings{"progress.status", "done"});
}

TEST_CASE("a name given twice is a problem, however it is spelled") {
  for (const auto json : {R"({"status":"done","status":"failed"})", R"({"status":"done","st\u0061tus":"failed"})",
                          R"({"status":null,"status":"done"})"})
    CHECK(problem_of(json).field == "status");
  constexpr auto refuse = bad_side_value::refuse;
  CHECK(problem_of(R"({"labels":{"a":"x"},"labels.a":"y"})", refuse).field == "labels.a");
  CHECK(problem_of(R"({"input":1,"input":2})").field == "input");
  CHECK(problem_of(R"({"id":"a","id":"b"})").field == "id");
}

TEST_CASE("of a side field that is given twice the first is kept") {
  CHECK(fields_of(R"({"percent":1,"progress":{"percent":{"a":2},"step":"s"}})") ==
        strings{"percent", "1", "step", "s", "left_out", "percent"});
  CHECK(fields_of(R"({"error":{"title":"a"},"error.title":"b","status":"failed"})") ==
        strings{"error.title", "a", "status", "failed", "left_out", "error.title"});
  CHECK(fields_of(R"({"error":{"title":"a"},"error":{"code":"b"},"status":"failed"})") ==
        strings{"error.title", "a", "status", "failed", "left_out", "error"});
  CHECK(fields_of(R"({"result":1,"result":[2],"status":"done"})") ==
        strings{"result", "1", "status", "done", "left_out", "result"});
}

TEST_CASE("a side field that cannot be a pair is left out, and the rest of the report is taken") {
  for (const std::string value : {"5", "true", "\"text\"", "[]", "[{\"a\":[1]}]"})
    for (const std::string container : {"progress", "labels", "error"}) {
      CAPTURE(container);
      CAPTURE(value);
      CHECK(fields_of("{\"status\":\"failed\",\"" + container + "\":" + value + ",\"by\":\"me\"}") ==
            strings{"status", "failed", "by", "me", "left_out", container});
    }
  for (const std::string value : {"[]", "{}", "{\"id\":\"x\",\"status\":[{}]}"})
    for (const std::string field : {"message", "lease", "by", "error.title", "retry_at", "max_attempts"}) {
      CAPTURE(field);
      CAPTURE(value);
      CHECK(fields_of("{\"" + field + "\":" + value + ",\"status\":\"done\"}") ==
            strings{"status", "done", "left_out", field});
    }
  CHECK(fields_of(R"({"labels":{"a":{},"b":[],"c":"x"}})") == strings{"labels.c", "x", "left_out", "labels"});
  CHECK(fields_of("{\"progress\":" + nested(1000) + ",\"status\":\"done\"}") ==
        strings{"status", "done", "left_out", "progress"});
}

TEST_CASE("a number or boolean for a side text is taken as its text") {
  CHECK(fields_of(R"({"message":5,"error":{"title":true},"labels":{"region":1.50}})") ==
        strings{"message", "5", "error.title", "true", "labels.region", "1.50"});
}

TEST_CASE("numbers beyond a double reach the function as they were sent") {
  const std::string digits(400, '9');
  for (const std::string& number :
       {std::string("1e999"), std::string("-1E+400"), digits, "-" + digits + ".5", "0." + digits + "e-9999"})
    CHECK(fields_of("{\"percent\": " + number + " ,\"step\":\"1e999\",\"result\":[" + number + "]}") ==
          strings{"percent", number, "step", "1e999", "result", "[" + number + "]"});
  for (const auto json : {R"({"percent":01e999})", R"({"percent":1e999x})", R"({"percent":--1e999})",
                          R"({"percent":1e})", R"({"percent":1.e999})", R"({"percent":1e999"a":1})"})
    CHECK(problem_of(json).field == "body");
}

TEST_CASE("what a job is, what nobody knows, and creations are refused with what to change") {
  constexpr auto refuse = bad_side_value::refuse;
  CHECK(problem_of(R"({"message":5})", refuse).detail == "must be text, not a number; put it in quotes");
  CHECK(problem_of(R"({"labels":{"region":true}})", refuse).field == "labels.region");
  CHECK(problem_of(R"({"message":{"a":1}})", refuse).detail ==
        "must be a single value, not an object (progress, error and labels have members, result may be any JSON)");
  CHECK(problem_of(R"({"labels":[]})", refuse).detail == "must be an object, not a list");
  CHECK(problem_of(R"({"can":["retry"]})").detail ==
        "must be a single value, not a list (progress, error and labels have members, result may be any JSON)");
  for (const auto json :
       {R"({"owner":5})", R"({"status":true})", R"({"attempt":[1]})", R"({"group":{}})", R"({"tenant":1})"})
    CHECK(problem_of(json).detail.starts_with("must be "));
}

TEST_CASE("a body that is not one JSON object is a problem of the body") {
  for (const std::string json : {"",
                                 " ",
                                 "null",
                                 "42",
                                 "\"text\"",
                                 "[]",
                                 "[{}]",
                                 "{",
                                 "{}}",
                                 "{} {}",
                                 "{}x",
                                 "{,}",
                                 "{\"a\"}",
                                 "{\"a\":}",
                                 "{\"a\":1,}",
                                 "{\"a\" 1}",
                                 "{'a':1}",
                                 "{a:1}",
                                 "{\"a\":01}",
                                 "{\"a\":+1}",
                                 "{\"a\":.5}",
                                 "{\"a\":0x1F}",
                                 "{\"a\":NaN}",
                                 "{\"a\":Infinity}",
                                 "{\"a\":tru}",
                                 "{\"a\":\"\\x\"}",
                                 "{\"a\":\"\\u12g4\"}",
                                 "{\"a\":\"\n\"}",
                                 "{\"a\":\"unclosed",
                                 "{\"result\":[1,]}",
                                 "{\"result\":{\"a\":1,}}",
                                 "{\"result\":[1}",
                                 "{\"result\"::1}",
                                 "{\"result\":",
                                 "// comment\n{}"}) {
    CAPTURE(json);
    CHECK(problem_of(json).field == "body");
  }
  CHECK(problem_of("{\"a\":1,}").detail == "is not valid JSON: Missing a name for object member. (at byte 7)");
}

TEST_CASE("a NUL byte does not hide what follows it") {
  CHECK(problem_of(std::string("{}\0{\"status\":\"failed\"}", 22)).field == "body");
  CHECK(problem_of(std::string("{\0}", 3)).field == "body");
  CHECK(problem_of(std::string("{\"a\0\":1}", 8)).field == "body");
}

TEST_CASE("a body of too many members is refused") {
  std::string json = "{";
  for (int i = 0; i < 257; ++i)
    json += (i ? ",\"" : "\"") + std::to_string(i) + "\":1";
  CHECK(problem_of(json + "}").detail == "has too many members; send at most 256");
}

TEST_CASE("every prefix of a report is refused, and no byte of it read beyond its end") {
  const std::string whole =
      R"({"id":"a","status":"done","progress":{"percent":1e1},"result":[{"a":"\u00e9\ud83d"},null,-1.5],"labels":{}})";
  CHECK(report_from_json(whole).has_value());
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(report_from_json(std::string(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))).has_error());
}

TEST_CASE("a create request keeps input and notify raw and cannot speak for the gateway") {
  const auto parsed = report_from_json(R"({"type":"report","owner":"ann","input":{"rows":[1, 2]},"notify":["mail"]})");
  REQUIRE(parsed.has_value());
  CHECK(parsed->fields ==
        strings{"type", "report", "owner", "ann", "input", R"({"rows":[1, 2]})", "notify", R"(["mail"])"});
  for (const std::string name : {"request", "keyed", "former", "for_types", "for_tenant", "publisher", "left_out"})
    CHECK(report_from_json("{\"" + name + "\":\"a\"}").error().field == name);
}

TEST_CASE("a field that a function refused is named as its sender wrote it") {
  CHECK(name_as_sent(R"({"progress":{"step":"a","percent":101}})", "percent") == "progress.percent");
  CHECK(name_as_sent(R"({"progress":{"step":"a"},"percent":101})", "percent") == "percent");
  CHECK(name_as_sent(R"({"progress.percent":101})", "percent") == "progress.percent");
  CHECK(name_as_sent(R"({"error":{"link":"x"}})", "error.link") == "error.link");
  CHECK(name_as_sent(R"({"status":"done"})", "labels") == "labels");
}

TEST_CASE("job ids and type names use one alphabet") {
  CHECK(is_job_id("inv-1:a_b.C"));
  CHECK(is_job_id("..."));
  CHECK(is_job_id(".a"));
  CHECK(is_job_id(std::string(128, 'x')));
  CHECK_FALSE(is_job_id(std::string(129, 'x')));
  CHECK(is_type_name(std::string(64, 'x')));
  CHECK_FALSE(is_type_name(std::string(65, 'x')));
  for (const auto bad : {"", "a b", "a/b", "a\n", "é", "{a}", "a*"})
    CHECK_FALSE(is_job_id(bad));
}
