#include "jobcast/job/json_text.hpp"

#include <doctest/doctest.h>

namespace {

std::string quoted(std::string_view text) {
  std::string out;
  jobcast::job::append_json_string(out, text);
  return out;
}

} // namespace

TEST_CASE("text is quoted and appended") {
  std::string out = "{\"title\":";
  jobcast::job::append_json_string(out, "Out of paper");
  CHECK(out == "{\"title\":\"Out of paper\"");
  CHECK(quoted("") == "\"\"");
}

TEST_CASE("quotes, backslashes and control characters are escaped") {
  CHECK(quoted("\"\\/\n\r\t") == R"("\"\\/\n\r\t")");
  CHECK(quoted(std::string_view("\0\x1f\x7f", 3)) == "\"\\u0000\\u001f\x7f\"");
}

TEST_CASE("well-formed UTF-8 is kept") {
  for (const std::string text : {"é", "€", "😀", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\uffff", "\U0010ffff"})
    CHECK(quoted(text) == "\"" + text + "\"");
}

TEST_CASE("each maximal ill-formed piece of UTF-8 becomes one U+FFFD") {
  const std::string r = "\uFFFD";
  CHECK(quoted("a\xff"
               "b") == "\"a" + r + "b\"");
  CHECK(quoted("\x80\xbf") == "\"" + r + r + "\"");
  CHECK(quoted("\xc3") == "\"" + r + "\"");
  CHECK(quoted("\xc3\"") == "\"" + r + "\\\"\"");
  CHECK(quoted("\xe2\x82"
               "x") == "\"" + r + "x\"");
  CHECK(quoted("\xf0\x9f\x98") == "\"" + r + "\"");
  CHECK(quoted("\xc0\xaf") == "\"" + r + r + "\"");                 // overlong
  CHECK(quoted("\xed\xa0\x80") == "\"" + r + r + r + "\"");         // surrogate
  CHECK(quoted("\xf4\x90\x80\x80") == "\"" + r + r + r + r + "\""); // past U+10FFFF
}
