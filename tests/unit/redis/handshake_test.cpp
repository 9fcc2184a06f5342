#include "jobcast/redis/handshake.hpp"
#include "replies.hpp"

#include <doctest/doctest.h>

using namespace jobcast;
using redis::handshake;
using state = handshake::state;

namespace {

redis::address with(std::string user, std::string password, unsigned database) {
  redis::address where;
  where.user = std::move(user);
  where.password = std::move(password);
  where.database = database;
  return where;
}

std::string request_of(redis::address where) {
  return handshake(where).request();
}

const std::string ping = "*1\r\n$4\r\nPING\r\n";
const std::string select_2 = "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n";

} // namespace

TEST_CASE("the handshake asks for what the address names, and always for a sign of life") {
  CHECK(request_of(with("", "", 0)) == ping);
  CHECK(request_of(with("", "pw", 2)) == "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n" + select_2 + ping);
  CHECK(request_of(with("me", "pw", 0)) == "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$2\r\npw\r\n" + ping);
  CHECK(request_of(with("me", "", 2)) == select_2 + ping);
}

TEST_CASE("the handshake is done when everything was answered") {
  handshake h(with("", "pw", 2));
  CHECK(h.on_reply(test::reply("+OK\r\n").get()) == state::waiting);
  CHECK(h.on_reply(test::reply("+OK\r\n").get()) == state::waiting);
  CHECK(h.on_reply(test::reply("+PONG\r\n").get()) == state::done);
}

TEST_CASE("a refusal names the command and what the server said, never the password") {
  handshake auth(with("", "hunter2", 0));
  CHECK(auth.on_reply(test::reply("-WRONGPASS invalid username-password pair\r\n").get()) == state::failed);
  CHECK(auth.failure() == "AUTH: WRONGPASS invalid username-password pair");

  handshake loading(with("", "", 2));
  CHECK(loading.on_reply(test::reply("+OK\r\n").get()) == state::waiting);
  CHECK(loading.on_reply(test::reply("-LOADING Redis is loading the dataset in memory\r\n").get()) == state::failed);
  CHECK(loading.failure() == "PING: LOADING Redis is loading the dataset in memory");
}
