#include "jobcast/job/ndjson.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace jobcast;

namespace {

std::vector<std::string> lines_of(std::string_view body) {
  std::vector<std::string> lines;
  for (std::string_view line; !(line = job::take_line(body)).empty();)
    lines.emplace_back(line);
  CHECK(body.empty());
  return lines;
}

} // namespace

TEST_CASE("lines end in LF or CR LF, the last one also without") {
  CHECK(lines_of("a\nb\r\nc") == std::vector<std::string>{"a", "b", "c"});
  CHECK(lines_of("a\n") == std::vector<std::string>{"a"});
}

TEST_CASE("lines with nothing in them are no lines") {
  CHECK(lines_of("\n\r\n\na\n\n").size() == 1);
  CHECK(lines_of("\n\r\n").empty());
  CHECK(lines_of("").empty());
}

TEST_CASE("a carriage return within a line stays") {
  CHECK(lines_of("a\rb\n") == std::vector<std::string>{"a\rb"});
}
