#include "jobcast/redis/address.hpp"

#include <doctest/doctest.h>

using jobcast::redis::address;
using jobcast::redis::parse_url;

namespace {

address read(std::string_view url) {
  auto result = parse_url(url);
  INFO(url);
  if (!result)
    FAIL(result.error());
  return *result;
}

std::string failure_of(std::string_view url) {
  auto result = parse_url(url);
  return result ? "accepted" : result.error();
}

} // namespace

TEST_CASE("a host alone means the default port and database, without a password") {
  auto a = read("redis://cache.example.com");
  CHECK(a.how == address::kind::tcp);
  CHECK(a.host == "cache.example.com");
  CHECK(a.port == 6379);
  CHECK(a.database == 0);
  CHECK(a.password.empty());
  CHECK(read("redis://cache/").host == "cache");
}

TEST_CASE("port, database and credentials are read, the credentials percent-decoded") {
  auto a = read("redis://gate:p%40ss%3a%2Fw%25rd@10.0.0.1:7000/12");
  CHECK(a.host == "10.0.0.1");
  CHECK(a.port == 7000);
  CHECK(a.user == "gate");
  CHECK(a.password == "p@ss:/w%rd");
  CHECK(a.database == 12);
  CHECK(read("redis://:only-password@host").password == "only-password");
  CHECK(read("redis://:only-password@host").user.empty());
  CHECK(read("redis://user@host").user == "user");
  CHECK(read("redis://u:with@sign@host").password == "with@sign");
}

TEST_CASE("IPv6 hosts stand in brackets") {
  CHECK(read("redis://[::1]").host == "::1");
  auto a = read("redis://:pw@[fe80::2]:7000/1");
  CHECK(a.host == "fe80::2");
  CHECK(a.port == 7000);
  CHECK(failure_of("redis://[::1").find("[::1]") != std::string::npos);
  CHECK(failure_of("redis://[::1]7000").find("[::1]") != std::string::npos);
  CHECK(failure_of("redis://[::1]:").find("port") != std::string::npos);
}

TEST_CASE("a unix socket has an absolute path and perhaps a database") {
  auto a = read("unix:///run/redis/my%20redis.sock?db=3");
  CHECK(a.how == address::kind::unix_socket);
  CHECK(a.path == "/run/redis/my redis.sock");
  CHECK(a.database == 3);
  auto b = read("unix://:pw@/run/redis.sock");
  CHECK(b.path == "/run/redis.sock");
  CHECK(b.password == "pw");
}

TEST_CASE("rediss is the same over TLS") {
  auto a = read("rediss://user:pw@host:6380/2");
  CHECK(a.tls);
  CHECK(a.host == "host");
  CHECK(a.port == 6380);
  CHECK(a.user == "user");
  CHECK(a.database == 2);
  CHECK_FALSE(read("redis://host").tls);
}

TEST_CASE("what is wrong is said") {
  CHECK(failure_of("").find("begin with redis://") != std::string::npos);
  CHECK(failure_of("localhost:6379").find("begin with redis://") != std::string::npos);
  CHECK(failure_of("redis://").find("no host") != std::string::npos);
  CHECK(failure_of("redis://:6379").find("no host") != std::string::npos);
  for (auto port : {"", "0", "65536", "-1", "6379x", "+1"})
    CHECK(failure_of(std::string("redis://host:") + port).find("port") != std::string::npos);
  for (auto database : {"x", "-1", "1/2", "99999999999"})
    CHECK(failure_of(std::string("redis://host/") + database).find("database") != std::string::npos);
  CHECK(failure_of("redis://host?db=1").find("redis://host/2") != std::string::npos);
  CHECK(failure_of("redis://u:a%2@host").find("%25") != std::string::npos);
  CHECK(failure_of("redis://u:a%zz@host").find("%25") != std::string::npos);
  CHECK(failure_of("unix://relative/path").find("absolute") != std::string::npos);
  CHECK(failure_of("unix://").find("absolute") != std::string::npos);
  CHECK(failure_of("unix:///a?x=1").find("?db=N") != std::string::npos);
  CHECK(failure_of("unix:///a%00b").find("%25") != std::string::npos);
  CHECK(failure_of("unix:///" + std::string(107, 'a')).find("107") != std::string::npos);
}

TEST_CASE("a password with characters that end a part is refused without repeating any of it") {
  for (auto url : {"redis://:hunt/er2@host", "redis://:hunt:er2", "redis://:hunt?er2@host", "redis://:hunt%er2@host",
                   "redis://u:hunt/er2", "unix://:hunt/er2", "redis://[hunter2", "hunter2"}) {
    INFO(url);
    std::string failure = failure_of(url);
    CHECK(failure != "accepted");
    CHECK(failure.find("hunt") == std::string::npos);
    CHECK(failure.find("er2") == std::string::npos);
  }
}
