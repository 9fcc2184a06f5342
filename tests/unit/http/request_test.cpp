#include "jobcast/http/request.hpp"

#include <doctest/doctest.h>

using namespace jobcast::http;

namespace {

struct parsed {
  bool ok;
  std::vector<std::string> path;
  query_parameters query;
};

parsed parse(std::string_view target) {
  parsed p;
  p.ok = parse_target(target, p.path, p.query);
  return p;
}

} // namespace

TEST_CASE("a target is split into decoded segments and parameters") {
  auto const p = parse("/api/jobs/a%3Ab/status?ids=a%2Cb&owner=J+D&flag");
  CHECK(p.ok);
  CHECK(p.path == std::vector<std::string>{"api", "jobs", "a:b", "status"});
  CHECK(p.query == query_parameters{{"ids", "a,b"}, {"owner", "J D"}, {"flag", ""}});
}

TEST_CASE("the root has no segments, and an empty query no parameters") {
  CHECK(parse("/").path.empty());
  CHECK(parse("/?").query.empty());
}

TEST_CASE("an escaped slash does not split a segment") {
  CHECK(parse("/a%2Fb").path == std::vector<std::string>{"a/b"});
}

TEST_CASE("malformed escapes and control characters are refused") {
  CHECK_FALSE(parse("/%").ok);
  CHECK_FALSE(parse("/%4").ok);
  CHECK_FALSE(parse("/%zz").ok);
  CHECK_FALSE(parse("/%0d%0a").ok);
  CHECK_FALSE(parse("/a?b=%00").ok);
  CHECK_FALSE(parse("api").ok);
  CHECK_FALSE(parse("*").ok);
}
