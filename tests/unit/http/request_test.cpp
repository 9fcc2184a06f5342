#include "jobcast/http/request.hpp"

#include <doctest/doctest.h>

using namespace jobcast::http;

namespace {

struct parsed : request {
  bool ok = false;
};

parsed parse(std::string_view target) {
  parsed p;
  p.ok = parse_target(target, p);
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

TEST_CASE("a target in absolute form names the host itself") {
  auto const p = parse("http://jobs.example.com:8080/api/jobs?ids=a");
  CHECK(p.ok);
  CHECK(p.authority == "jobs.example.com:8080");
  CHECK(p.path == std::vector<std::string>{"api", "jobs"});
  CHECK(p.query == query_parameters{{"ids", "a"}});
  CHECK(parse("HTTPS://[::1]:8443/healthz").authority == "[::1]:8443");
  CHECK(parse("/healthz").authority.empty());
}

TEST_CASE("the path of an absolute target may be left out") {
  auto const bare = parse("http://a");
  CHECK((bare.ok && bare.path.empty() && bare.query.empty()));
  auto const with_query = parse("http://a?x=1");
  CHECK((with_query.ok && with_query.path.empty() && with_query.query.size() == 1));
}

TEST_CASE("absolute targets that name no host, or hide one, are refused") {
  for (const char* bad : {"http://", "http:///x", "http://?x", "http://a@b/", "http://localhost@evil.example/x",
                          "ftp://a/", "http:/a", "http:a", "//a/b@c", "ws://a/"})
    CHECK_MESSAGE(parse(bad).ok == std::string_view(bad).starts_with('/'), bad);
}
