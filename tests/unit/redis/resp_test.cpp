#include "jobcast/redis/resp.hpp"
#include "replies.hpp"

#include <doctest/doctest.h>
#include <vector>

using namespace jobcast;
using redis::append_command;
using redis::decoder;
using redis::reply_ptr;
using redis::reply_view;
using namespace std::string_literals;

namespace {

std::string show(reply_view reply) {
  if (reply.is_nil())
    return "nil";
  if (reply.is_error())
    return "error " + std::string(reply.text());
  if (!reply.is_array())
    return reply.text().empty() ? std::to_string(reply.integer()) : std::string(reply.text());
  std::string all = "[";
  for (std::size_t i = 0; i < reply.size(); ++i)
    all += (i ? " " : "") + show(reply[i]);
  return all + "]";
}

const std::string conversation = "+OK\r\n"
                                 "-ERR no\r\n"
                                 ":42\r\n"
                                 "$5\r\na\r\nbc\r\n"
                                 "$-1\r\n"
                                 "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"
                                 "*2\r\n*2\r\n:1\r\n$-1\r\n*0\r\n";
const std::vector<std::string> meant{"OK", "error ERR no", "42", "a\r\nbc", "nil", "[message c hi]", "[[1 nil] []]"};

} // namespace

TEST_CASE("replies come out whole wherever the bytes are split") {
  for (std::size_t first = 0; first <= conversation.size(); ++first)
    for (std::size_t second = first; second <= conversation.size(); ++second) {
      std::vector<std::string> got;
      auto collect = [&](reply_ptr reply) {
        got.push_back(show(reply.get()));
        return true;
      };
      decoder bytes;
      std::string_view all = conversation;
      REQUIRE(bytes.decode(all.substr(0, first), collect));
      REQUIRE(bytes.decode(all.substr(first, second - first), collect));
      REQUIRE(bytes.decode(all.substr(second), collect));
      REQUIRE(got == meant);
    }
}

TEST_CASE("thousands of replies in one read come out in order") {
  std::string bytes;
  for (int i = 0; i < 20'000; ++i)
    bytes += ":" + std::to_string(i) + "\r\n";
  int next = 0;
  decoder numbers;
  REQUIRE(numbers.decode(bytes, [&](reply_ptr reply) { return reply_view(reply.get()).integer() == next++; }));
  CHECK(next == 20'000);
}

TEST_CASE("a listener that has had enough gets no more") {
  int seen = 0;
  decoder bytes;
  CHECK(bytes.decode(conversation, [&](reply_ptr) { return ++seen < 2; }));
  CHECK(seen == 2);
}

TEST_CASE("bytes that are not RESP are an error that says so") {
  decoder bytes;
  CHECK_FALSE(bytes.decode("HTTP/1.1 400 Bad Request\r\n", [](reply_ptr) { return true; }));
  CHECK(std::string(bytes.failure()).find("Protocol error") != std::string::npos);
}

TEST_CASE("a command is encoded with the length of every argument, whatever its bytes") {
  std::string out = "before ";
  append_command(out, std::initializer_list<std::string_view>{"SET", std::string_view("a\0\r\n", 4), ""});
  CHECK(out == "before *3\r\n$3\r\nSET\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n"s);
}

TEST_CASE("a command with very many arguments is encoded") {
  std::vector<std::string_view> arguments(10'001, "x");
  std::string out;
  append_command(out, arguments);
  CHECK(show(test::reply(out).get()).size() == 2 * 10'001 + 1);
}

TEST_CASE("a reply asked for what it is not answers empty, 0 or nil") {
  CHECK(reply_view().is_nil());
  CHECK(reply_view()[3].is_nil());
  CHECK(reply_view().integer() == 0);
  auto array = test::reply("*1\r\n:7\r\n");
  reply_view view = array.get();
  CHECK(view.text().empty());
  CHECK(view.integer() == 0);
  CHECK(view[0].integer() == 7);
  CHECK(view[1].is_nil());
  CHECK(view[0][0].is_nil());
  auto null_array = test::reply("*-1\r\n");
  CHECK(reply_view(null_array.get()).is_nil());
  CHECK(reply_view(null_array.get()).size() == 0);
}

TEST_CASE("a string that is an integer reads as one, others as 0") {
  auto integer = [](std::string_view resp) { return reply_view(test::reply(resp).get()).integer(); };
  CHECK(integer("$3\r\n-42\r\n") == -42);
  CHECK(integer("$19\r\n9223372036854775807\r\n") == INT64_MAX);
  CHECK(integer("$19\r\n9223372036854775808\r\n") == 0);
  CHECK(integer("$2\r\n4x\r\n") == 0);
  CHECK(integer("$0\r\n\r\n") == 0);
  CHECK(integer("-42\r\n") == 0);
}
