#include "jobcast/stream/ws_message.hpp"

#include <doctest/doctest.h>

using namespace jobcast::stream;

namespace {

using strings = std::vector<std::string>;

auto read_message(std::string_view json, std::size_t most_jobs = 200) {
  return read_ws_message(json, most_jobs);
}

// The field a message is refused for; empty if it is not refused.
std::string refused_for(std::string_view json) {
  auto const read = read_message(json);
  return read ? std::string() : read.error().field;
}

} // namespace

TEST_CASE("a watch names jobs, each counted once, and the versions that are known") {
  auto const read = read_message(R"({"op":"watch","id":7,"jobs":["b","a","b"],"versions":{"a":17},"every":true})");
  REQUIRE(read.has_value());
  CHECK(read->op == ws_op::watch);
  CHECK(read->echo == "7");
  CHECK(read->jobs == strings{"a", "b"});
  REQUIRE(read->versions.size() == 1);
  CHECK(read->versions[0] == std::pair<std::string, std::uint64_t>("a", 17));
  CHECK(read->every);
}

TEST_CASE("a watch or unwatch names an owner, perhaps with a tenant, instead of jobs") {
  auto const read = read_message(R"({"op":"unwatch","owner":"me","tenant":"acme"})");
  REQUIRE(read.has_value());
  CHECK(read->op == ws_op::unwatch);
  CHECK(read->owner == "me");
  CHECK(read->tenant == "acme");
  CHECK(read->jobs.empty());
  CHECK_FALSE(read->every);
}

TEST_CASE("each command names its job") {
  for (auto [json, op] :
       {std::pair{R"({"op":"cancel","job":"a"})", ws_op::cancel},
        std::pair{R"({"op":"retry","job":"a"})", ws_op::retry}, std::pair{R"({"op":"seen","job":"a"})", ws_op::seen}}) {
    auto const read = read_message(json);
    REQUIRE(read.has_value());
    CHECK(read->op == op);
    CHECK(read->job == "a");
  }
}

TEST_CASE("what was seen may be named by its attempt") {
  CHECK(read_message(R"({"op":"seen","job":"a"})")->attempt == 0);
  CHECK(read_message(R"({"op":"seen","job":"a","attempt":3})")->attempt == 3);
  for (auto attempt : {"0", "-1", "\"3\"", "1.5"})
    CHECK(read_message(R"({"op":"seen","job":"a","attempt":)" + std::string(attempt) + "}").error().field == "attempt");
}

TEST_CASE("ids that are texts or numbers are echoed as they were, others not at all") {
  auto const echo = [](std::string_view id) {
    return read_message(R"({"op":"ping","id":)" + std::string(id) + "}")->echo;
  };
  CHECK(echo("\"a\\\"b\\n\"") == "\"a\\\"b\\n\"");
  CHECK(echo("-12") == "-12");
  CHECK(echo("18446744073709551615") == "18446744073709551615");
  CHECK(echo("1.5") == "1.5");
  CHECK(echo("\"" + std::string(128, 'x') + "\"") == "\"" + std::string(128, 'x') + "\"");
  for (auto id : {"null", "true", "{}", "[1]"})
    CHECK(echo(id).empty());
  CHECK(echo("\"" + std::string(129, 'x') + "\"").empty());
}

TEST_CASE("what is refused names the member that is wrong, and keeps the id") {
  CHECK(refused_for(R"({"op":"dance"})") == "op");
  CHECK(refused_for(R"({"op":1})") == "op");
  CHECK(refused_for(R"({})") == "op");
  CHECK(refused_for(R"({"op":"watch"})") == "jobs");
  CHECK(refused_for(R"({"op":"watch","jobs":[]})") == "jobs");
  CHECK(refused_for(R"({"op":"watch","jobs":"a"})") == "jobs");
  CHECK(refused_for(R"({"op":"watch","jobs":["a",1]})") == "jobs");
  CHECK(refused_for(R"({"op":"watch","jobs":["a b"]})") == "jobs");
  CHECK(refused_for(R"({"op":"watch","jobs":["a"],"owner":"b"})") == "jobs");
  CHECK(refused_for(R"({"op":"watch","jobs":["a"],"versions":[]})") == "versions");
  CHECK(refused_for(R"({"op":"watch","jobs":["a"],"versions":{"a":-1}})") == "versions");
  CHECK(refused_for(R"({"op":"watch","jobs":["a"],"every":1})") == "every");
  CHECK(refused_for(R"({"op":"watch","owner":""})") == "owner");
  CHECK(refused_for(R"({"op":"watch","owner":"me","tenant":1})") == "tenant");
  CHECK(refused_for(R"({"op":"cancel"})") == "job");
  CHECK(refused_for(R"({"op":"cancel","job":"../x"})") == "job");
  CHECK(read_message(R"({"op":"dance","id":"q"})").error().echo == "\"q\"");
}

TEST_CASE("what is not one JSON object is refused as a whole") {
  for (auto json : {"", "[]", "1", "\"watch\"", "{", "{\"op\":\"ping\"} x", "{\"op\":\"ping\",}"})
    CHECK_MESSAGE(refused_for(json) == "body", json);
  CHECK(refused_for(std::string_view("{}\0{}", 5)) == "body");
}

TEST_CASE("deep nesting does not exhaust the stack") {
  std::string const deep = R"({"op":"ping","x":)" + std::string(60'000, '[') + std::string(60'000, ']') + "}";
  CHECK(read_message(deep).has_value());
  CHECK(refused_for(std::string(60'000, '[')) == "body");
}

TEST_CASE("a message that names more jobs than a connection may watch is refused before they are read") {
  CHECK(read_message(R"({"op":"watch","jobs":["a","b"]})", 2).has_value());
  CHECK(read_message(R"({"op":"watch","jobs":["a","b","c"]})", 2).error().field == "jobs");
  CHECK(read_message(R"({"op":"unwatch","jobs":["a","b","c"]})", 2).error().field == "jobs");
  CHECK(read_message(R"({"op":"watch","jobs":["a"],"versions":{"a":1,"b":2,"c":3}})", 2).error().field == "versions");
}

TEST_CASE("the version of a job is found by its id, the first of two") {
  auto const read = read_message(R"({"op":"watch","jobs":["a","b","c"],"versions":{"b":2,"a":1,"b":3}})");
  REQUIRE(read.has_value());
  CHECK(read->version_of("a") == 1);
  CHECK(read->version_of("b") == 2);
  CHECK(read->version_of("c") == 0);
}
