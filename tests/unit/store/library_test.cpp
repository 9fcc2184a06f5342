#include "jobcast/store/library.hpp"

#include "jobcast/base/embedded.hpp"

#include <doctest/doctest.h>

using namespace jobcast::store;

TEST_CASE("a library is replaced only by a higher minor of the same major") {
  CHECK(decide({1, 0}, {1, 1}) == library_action::replace);
  CHECK(decide({1, 1}, {1, 1}) == library_action::keep);
  CHECK(decide({1, 2}, {1, 1}) == library_action::keep);
  CHECK(decide({2, 0}, {1, 1}) == library_action::refuse);
  CHECK(decide({0, 9}, {1, 1}) == library_action::refuse);
}

TEST_CASE("the built-in library says its version") {
  CHECK(version_of_source(jobcast::embedded::functions_lua()) >= library_version{1, 0});
}

TEST_CASE("what is no version is 0.0") {
  for (auto text : {"", "1", "1.", ".1", "1.x", "1.0.0", "-1.0"})
    CHECK(parse_version(text) == library_version{});
  CHECK(parse_version("12.34") == library_version{12, 34});
}
