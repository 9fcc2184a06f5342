#include "jobcast/job/scope.hpp"

#include <doctest/doctest.h>

using jobcast::job::scope_key;

TEST_CASE("a scope is tenant and owner") {
  CHECK(scope_key("acme", "ann") == "acme/ann");
  CHECK(scope_key("", "ann") == "/ann");
}

TEST_CASE("all but unreserved characters are percent-encoded, so that scopes cannot collide") {
  CHECK(scope_key("", "Az09-._~") == "/Az09-._~");
  CHECK(scope_key("a/b", "c") == "a%2Fb/c");
  CHECK(scope_key("a", "b/c") == "a/b%2Fc");
  CHECK(scope_key("", "ann@example.com:%é\n") == "/ann%40example.com%3A%25%C3%A9%0A");
}
