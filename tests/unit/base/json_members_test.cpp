#include "jobcast/base/json_members.hpp"

#include <doctest/doctest.h>
#include <utility>
#include <vector>

using jobcast::json_members;
using jobcast::json_number;
using jobcast::json_text;

namespace {

using members = std::vector<std::pair<std::string, std::string>>;

members all_of(std::string_view text) {
  members out;
  for (json_members all(text); all.next();)
    out.emplace_back(all.name(), all.value());
  return out;
}

} // namespace

TEST_CASE("members come in order, their values as they stand there") {
  CHECK(all_of(R"({"id":"a","version":3,"done":false,"none":null,"sum":-1.5e3})") ==
        members{{"id", R"("a")"}, {"version", "3"}, {"done", "false"}, {"none", "null"}, {"sum", "-1.5e3"}});
  CHECK(all_of("{}").empty());
}

TEST_CASE("what is inside a value is none of the object's members") {
  CHECK(all_of(R"({"labels":{"owner":"eve","more":[{"owner":"eve"},"]}"]},"list":[[],{}],"owner":"anna"})") ==
        members{{"labels", R"({"owner":"eve","more":[{"owner":"eve"},"]}"]})"},
                {"list", "[[],{}]"},
                {"owner", R"("anna")"}});
}

TEST_CASE("a string ends at its own quote, whatever stands in it") {
  CHECK(all_of(R"({"a":"\",\"owner\":\"eve","b":"\\","c":"\\\"","d":{"e":"}\\\"\\"},"owner":"anna"})") ==
        members{{"a", R"("\",\"owner\":\"eve")"},
                {"b", R"("\\")"},
                {"c", R"("\\\"")"},
                {"d", R"({"e":"}\\\"\\"})"},
                {"owner", R"("anna")"}});
}

TEST_CASE("space between members means nothing") {
  CHECK(all_of("\n{ \"a\" : 1 ,\t\"b\":\r\n[ 1 , 2 ] } ") == members{{"a", "1"}, {"b", "[ 1 , 2 ]"}});
}

TEST_CASE("a text that ends too soon, or is no object, ends the members") {
  std::string_view const whole = R"({"a":{"b":["\""]},"c":"d"})";
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(all_of(whole.substr(0, size)).size() <= 2);
  for (std::string_view text : {"", "null", "[1]", "\"a\"", "{1:2}", "{\"a\"}", "{\"a\":}", "{\"a\":,\"b\":1}", "{]"})
    CHECK(all_of(text).empty());
  CHECK(all_of(R"({"a":1}{"b":2})") == members{{"a", "1"}});
}

TEST_CASE("deep nesting is gone over without recursion") {
  std::string const deep(1'000'000, '[');
  CHECK(all_of("{\"a\":" + deep + std::string(deep.size(), ']') + ",\"b\":1}").size() == 2);
  CHECK(all_of("{\"a\":" + deep).empty());
}

TEST_CASE("text is read with its escapes, and only text") {
  CHECK(json_text(R"("Anna \"A\" \u00fc")") == "Anna \"A\" \xc3\xbc");
  CHECK(json_text(R"("")") == "");
  CHECK(json_text("7") == "");
  CHECK(json_text(R"(["a"])") == "");
  CHECK(json_text(R"("\x")") == "");
}

TEST_CASE("numbers are read, and only numbers") {
  CHECK(json_number("1795802374037") == 1795802374037.0);
  CHECK(json_number("-1.5e3") == -1500);
  for (std::string_view text : {"", "inf", "nan", "\"1\"", "1e999", "1 2", "null"})
    CHECK(json_number(text) == 0);
}
