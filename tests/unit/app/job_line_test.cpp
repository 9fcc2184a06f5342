#include "app/job_line.hpp"

#include <doctest/doctest.h>

using namespace jobcast::app;

namespace {

std::string line_of(std::string_view record) {
  const auto line = describe_job(record);
  return line ? line->text : "(no record)";
}

} // namespace

TEST_CASE("a job under way shows a bar and its message") {
  CHECK(line_of(R"({"id":"inv-1","status":"processing","progress":{"percent":42.9,"message":"Page 3 of 7"}})") ==
        "inv-1  processing  [==========>             ]  42 %  Page 3 of 7");
  CHECK(line_of(R"({"id":"inv-1","status":"done","progress":{"percent":100}})") ==
        "inv-1  done  [========================] 100 %");
  CHECK(line_of(R"({"id":"inv-1","status":"pending","progress":{}})") == "inv-1  pending");
}

TEST_CASE("a failed job says what failed and what to do next") {
  const auto line = describe_job(
      R"({"id":"inv-1","status":"failed","progress":{},"error":{"title":"Out of paper","action":"Fill tray 2"}})");
  REQUIRE(line);
  CHECK(line->text == "inv-1  failed  Out of paper; Fill tray 2");
  CHECK(line->is_final());
}

TEST_CASE("a stuck job is said to be stuck") {
  CHECK(line_of(R"({"id":"a","status":"processing","stalled":true,"cancel_requested":true})") ==
        "a  processing  (stalled: no sign of life from its worker)  (cancel requested)");
}

TEST_CASE("a worker's text cannot drive the terminal") {
  CHECK(line_of(R"({"id":"a","status":"processing","progress":{"message":"x\u001b[2J\r\n\u009b1mé"}})") ==
        "a  processing  x [2J   1mé");
}

TEST_CASE("what is no record shows nothing") {
  for (const auto bad : {"", "null", "[]", "{}", "{\"status\":1}", "{\"status\":\"done\""})
    CHECK_FALSE(describe_job(bad));
}

TEST_CASE("a line is cut to the width of the terminal, by characters") {
  CHECK(fitted("Fünf", 4) == "Fünf");
  CHECK(fitted("Fünf Seiten", 5) == "Fünf…");
  CHECK(fitted("any", 0) == "any");
}
