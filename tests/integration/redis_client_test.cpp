#include "jobcast/redis/client.hpp"
#include "loop.hpp"
#include "redis_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <doctest/doctest.h>
#include <map>
#include <optional>

using namespace jobcast;
using namespace std::chrono_literals;
using test::quick;
using test::run_until;

namespace {

struct running_client {
  explicit running_client(redis::address where, redis::connection_options options = quick())
      : commands(io.get_executor(), std::move(where), options) {
    commands.start();
  }
  bool connect() {
    return run_until(io, [&] { return commands.connected(); });
  }
  std::string ask(std::initializer_list<std::string_view> arguments) {
    std::optional<std::string> answer;
    commands.call(arguments, [&](error_code ec, redis::reply_view reply) {
      answer = ec ? ec.message() : std::string(reply.text());
    });
    run_until(io, [&] { return answer.has_value(); });
    return answer.value_or("no answer");
  }

  asio::io_context io{1};
  redis::client commands;
};

} // namespace

TEST_CASE("commands are answered over a unix socket and over tcp, by address and by name") {
  test::redis_server server;
  auto by_name = server.tcp();
  by_name.host = "localhost";
  for (const auto& where : {server.unix_socket(), server.tcp(), by_name}) {
    running_client client(where);
    REQUIRE(client.connect());
    CHECK(client.ask({"ECHO", "a\r\n\0b"}) == "a\r\n");
    CHECK(client.ask({"ECHO", std::string_view("a\r\n\0b", 5)}) == std::string("a\r\n\0b", 5));
    CHECK(client.ask({"NONSENSE"}).starts_with("ERR unknown command"));
  }
}

TEST_CASE("ten thousand commands of one turn are answered in order") {
  test::redis_server server;
  running_client client(server.unix_socket());
  REQUIRE(client.connect());
  std::vector<std::int64_t> answers;
  for (int i = 0; i < 10'000; ++i)
    client.commands.call({"INCR", "n"},
                         [&](error_code ec, redis::reply_view reply) { answers.push_back(ec ? -1 : reply.integer()); });
  REQUIRE(run_until(client.io, [&] { return answers.size() == 10'000; }));
  for (int i = 0; i < 10'000; ++i)
    REQUIRE(answers[i] == i + 1);
}

TEST_CASE("a reply of many megabytes arrives whole") {
  test::redis_server server;
  running_client client(server.unix_socket());
  REQUIRE(client.connect());
  std::string big(20'000'000, 'x');
  CHECK(client.ask({"SET", "big", big}) == "OK");
  CHECK(client.ask({"GET", "big"}) == big);
}

TEST_CASE("a coroutine awaits its answers") {
  test::redis_server server;
  running_client client(server.unix_socket());
  REQUIRE(client.connect());
  std::string got;
  // GCC 12 cannot build a vector from braces inside a co_await expression.
  const std::vector<std::string> set_it{"SET", "k", "v"}, get_it{"GET", "k"};
  auto work = [&]() -> task<> {
    auto set = co_await client.commands.call(set_it);
    auto get = co_await client.commands.call(get_it);
    got = std::string(set.reply().text()) + " " + std::string(get.reply().text());
    client.commands.stop();
    auto late = co_await client.commands.call(get_it);
    got += " " + late.ec.message();
  };
  asio::co_spawn(client.io, work(), [](std::exception_ptr failed) { CHECK_FALSE(failed); });
  CHECK(run_until(client.io, [&] { return got == "OK v the Redis client was stopped"; }));
}

TEST_CASE("a server killed while commands are in flight fails them as lost, and later ones succeed") {
  test::redis_server server;
  running_client client(server.unix_socket());
  REQUIRE(client.connect());
  std::vector<bool> changes;
  client.commands.on_change([&](bool up) { changes.push_back(up); });

  std::map<std::string, int> outcomes;
  auto count = [&](error_code ec, redis::reply_view) { ++outcomes[ec ? ec.message() : "answered"]; };
  server.pause();
  for (int i = 0; i < 1'000; ++i)
    client.commands.call({"PING"}, count);
  test::run_ready(client.io);
  server.kill();
  REQUIRE(run_until(client.io, [&] { return !client.commands.connected(); }));
  CHECK(outcomes[make_error_code(redis::errc::lost).message()] == 1'000);
  CHECK_FALSE(client.commands.last_failure().empty());

  client.commands.call({"PING"}, count);
  CHECK(outcomes.size() == 1); // never from inside call()
  REQUIRE(run_until(client.io, [&] { return outcomes.size() == 2; }));
  CHECK(outcomes[make_error_code(redis::errc::unavailable).message()] == 1);

  server.start();
  REQUIRE(client.connect());
  CHECK(client.commands.last_failure().empty());
  CHECK(client.ask({"PING"}) == "PONG");
  CHECK(changes == std::vector{false, true});
}

TEST_CASE("a server that stops answering is declared dead, and found again when it answers") {
  test::redis_server server;
  running_client client(server.unix_socket(), quick(300ms));
  REQUIRE(client.connect());
  server.pause();
  REQUIRE(run_until(client.io, [&] { return !client.commands.connected(); }));
  CHECK(client.commands.last_failure().find("nothing heard for 300 ms") != std::string::npos);
  // The kernel accepts for the stopped server, so only the handshake tells.
  auto unanswered = [&] { return client.commands.last_failure().find("no answer within") != std::string::npos; };
  REQUIRE(run_until(client.io, unanswered));
  server.resume();
  REQUIRE(client.connect());
  CHECK(client.ask({"PING"}) == "PONG");
}

TEST_CASE("an idle connection is kept up by pings") {
  test::redis_server server;
  running_client client(server.unix_socket());
  REQUIRE(client.connect());
  bool lost = false;
  client.commands.on_change([&](bool up) { lost |= !up; });
  // This one is never idle, so the pings that the server counts are the other's.
  redis::client busy(client.io.get_executor(), server.unix_socket(), quick());
  busy.start();
  REQUIRE(run_until(client.io, [&] { return busy.connected(); }));
  int pings = 0;
  std::function<void(error_code, redis::reply_view)> count = [&](error_code ec, redis::reply_view stats) {
    constexpr std::string_view field = "cmdstat_ping:calls=";
    auto at = stats.text().find(field);
    if (at != std::string_view::npos)
      pings = std::stoi(std::string(stats.text().substr(at + field.size())));
    if (!ec)
      busy.call({"INFO", "commandstats"}, count);
  };
  count({}, {});
  CHECK(run_until(client.io, [&] { return pings >= 10; }));
  CHECK_FALSE(lost);
  busy.stop();
  test::run_ready(client.io);
}

TEST_CASE("a wrong password is a failed attempt that says so; the right one connects, with the database chosen") {
  test::redis_server server({"--requirepass", "secret"});
  auto where = server.unix_socket();
  auto failure_of = [&](std::string_view password) {
    where.password = password;
    running_client client(where);
    run_until(client.io, [&] { return !client.commands.last_failure().empty(); });
    CHECK_FALSE(client.commands.connected());
    return client.commands.last_failure();
  };
  CHECK(failure_of("wrong").find("AUTH: WRONGPASS") != std::string::npos);
  CHECK(failure_of("wrong").find("wrong-") == std::string::npos);
  CHECK(failure_of("").find("PING: NOAUTH") != std::string::npos);

  where.password = "secret";
  where.user = "default";
  where.database = 3;
  running_client client(where);
  REQUIRE(client.connect());
  CHECK(client.ask({"CLIENT", "INFO"}).find(" db=3 ") != std::string::npos);
}

TEST_CASE("a replica without its master is not taken for a server") {
  test::redis_server server({"--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"});
  running_client client(server.unix_socket());
  REQUIRE(run_until(client.io, [&] { return !client.commands.last_failure().empty(); }));
  CHECK(client.commands.last_failure().find("PING: MASTERDOWN") != std::string::npos);
}

TEST_CASE("a name that does not resolve is a failed attempt that says so") {
  redis::address nowhere;
  nowhere.host = "no-such-host.invalid";
  running_client client(nowhere);
  REQUIRE(run_until(client.io, [&] { return !client.commands.last_failure().empty(); }));
  CHECK(client.commands.last_failure().find("no-such-host.invalid:6379") != std::string::npos);
}

TEST_CASE("stop() completes everything pending with stopped, later") {
  test::redis_server server;
  running_client client(server.unix_socket());
  REQUIRE(client.connect());
  std::vector<error_code> outcomes;
  auto note = [&](error_code ec, redis::reply_view) { outcomes.push_back(ec); };
  server.pause();
  client.commands.call({"PING"}, note);
  test::run_ready(client.io);           // written
  client.commands.call({"PING"}, note); // queued
  client.commands.stop();
  client.commands.call({"PING"}, note); // refused
  CHECK(outcomes.empty());
  REQUIRE(run_until(client.io, [&] { return outcomes.size() == 3; }));
  for (error_code ec : outcomes)
    CHECK(ec == redis::errc::stopped);
}

TEST_CASE("a client may be destroyed from inside a handler, with others pending") {
  test::redis_server server;
  asio::io_context io(1);
  auto client = std::make_unique<redis::client>(io.get_executor(), server.unix_socket(), quick());
  client->start();
  REQUIRE(run_until(io, [&] { return client->connected(); }));
  int answered = 0, stopped = 0;
  for (int i = 0; i < 100; ++i)
    client->call({"PING"}, [&, i](error_code ec, redis::reply_view) {
      ec == redis::errc::stopped ? ++stopped : ++answered;
      if (i == 9)
        client.reset();
    });
  REQUIRE(run_until(io, [&] { return answered + stopped == 100; }));
  CHECK(answered == 10);
}

TEST_CASE("a client may be stopped from inside an observer, and from a handler told of the loss") {
  test::redis_server server;
  running_client client(server.unix_socket());
  int changes = 0;
  client.commands.on_change([&](bool) {
    ++changes;
    client.commands.stop();
  });
  client.commands.on_change([&](bool) { ++changes; });
  REQUIRE(run_until(client.io, [&] { return changes > 0; }));
  test::run_ready(client.io);
  CHECK(changes == 1);

  running_client other(server.unix_socket());
  REQUIRE(other.connect());
  bool told = false;
  server.pause();
  other.commands.call({"PING"}, [&](error_code, redis::reply_view) {
    told = true;
    other.commands.stop();
  });
  test::run_ready(other.io);
  server.kill();
  CHECK(run_until(other.io, [&] { return told; }));
}

TEST_CASE("a loop may end with everything under way") {
  test::redis_server server;
  running_client client(server.unix_socket());
  REQUIRE(client.connect());
  server.pause();
  for (int i = 0; i < 100; ++i)
    client.commands.call({"SET", "k", std::string(100'000, 'x')}, [](error_code, redis::reply_view) {});
  const std::vector<std::string> get_it{"GET", "k"};
  auto work = [&]() -> task<> { co_await client.commands.call(get_it); };
  asio::co_spawn(client.io, work(), [](std::exception_ptr) {});
  test::run_ready(client.io);
  CHECK(client.commands.connected());
}
