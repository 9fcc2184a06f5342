#include "jobcast/redis/push_reader.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace jobcast;
using redis::push;
using redis::push_reader;

namespace {

std::string show(const push& p) {
  std::string all = p.error ? "error" : "";
  for (std::size_t i = 0; i < p.count; ++i)
    all.append(all.empty() ? "" : " ").append(p[i].empty() ? "-" : p[i]);
  return all;
}

const std::string conversation = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
                                 "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$8\r\na\r\n*b\r\n$\r\n"
                                 "*4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$1\r\nc\r\n$0\r\n\r\n"
                                 "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"
                                 "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
                                 "+PONG\r\n"
                                 "-NOPERM no\r\n";
const std::vector<std::string> meant{
    "subscribe c 1", "message c a\r\n*b\r\n$", "pmessage c* c -", "unsubscribe - 0", "pong -",
    "PONG",          "error NOPERM no"};

/// What is wrong with these bytes, or nothing.
std::string refusal(std::string_view bytes) {
  push_reader reader;
  return reader.read(bytes, [](const push&) { return true; }) ? "" : reader.failure();
}

} // namespace

TEST_CASE("pushes come out whole wherever the bytes are split") {
  for (std::size_t first = 0; first <= conversation.size(); ++first)
    for (std::size_t second = first; second <= conversation.size(); ++second) {
      std::vector<std::string> got;
      auto const collect = [&](const push& p) {
        got.push_back(show(p));
        return true;
      };
      push_reader reader;
      std::string_view const all = conversation;
      REQUIRE(reader.read(all.substr(0, first), collect));
      REQUIRE(reader.read(all.substr(first, second - first), collect));
      REQUIRE(reader.read(all.substr(second), collect));
      REQUIRE(got == meant);
    }
}

TEST_CASE("a push larger than any read is put together") {
  std::string const payload(300'000, 'x');
  std::string const bytes = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$300000\r\n" + payload + "\r\n+PONG\r\n";
  push_reader reader;
  std::vector<std::string> got;
  for (std::size_t at = 0; at < bytes.size(); at += 65'536)
    REQUIRE(reader.read(std::string_view(bytes).substr(at, 65'536), [&](const push& p) {
      got.emplace_back(p.count == 3 ? p[2] : p[0]);
      return true;
    }));
  CHECK(got == std::vector<std::string>{payload, "PONG"});
}

TEST_CASE("nothing is handed out after the answer was no") {
  push_reader reader;
  int handed_out = 0;
  CHECK(reader.read(conversation, [&](const push&) { return ++handed_out < 2; }));
  CHECK(handed_out == 2);
}

TEST_CASE("what a subscribed connection cannot bring is refused") {
  for (auto const* bytes : {"HTTP/1.1 400 Bad Request\r\n", "*0\r\n", "*5\r\n$1\r\n", "*12\r\n", "*1\r\n*1\r\n:1\r\n",
                            "$\r\n", "$x\r\n", "$-2\r\n", "$1x\r\n", "$1\r\nab\r\n", "$999999999\r\n", "*x\r\n"}) {
    CAPTURE(bytes);
    CHECK(refusal(bytes) != "");
  }
  CHECK(refusal("+" + std::string(100'000, 'x')) == "a line without an end");
}

TEST_CASE("what may still become a push is waited for") {
  for (auto const* bytes :
       {"*", "*3", "*3\r", "*3\r\n", "$", "$-", "$-1", "$-1\r", "$12", "$12\r", "$2\r\nab", "$2\r\nab\r", "+PON"}) {
    CAPTURE(bytes);
    CHECK(refusal(bytes) == "");
  }
}
