#include "jobcast/store/bulk_reads.hpp"

#include <doctest/doctest.h>

using namespace jobcast;
using namespace std::chrono_literals;
using store::bulk_reads;
using strings = std::vector<std::string>;

namespace {

// What Redis answers to a read that cost so many looks.
struct reply_of_cost {
  explicit reply_of_cost(long long looks) {
    cost_.type = REDIS_REPLY_INTEGER;
    cost_.integer = looks;
    head_.type = whole_.type = REDIS_REPLY_ARRAY;
    head_.elements = whole_.elements = 1;
    head_.element = in_head_;
    whole_.element = in_whole_;
  }
  const redisReply* get() const { return &whole_; }

 private:
  redisReply cost_{}, head_{}, whole_{};
  redisReply* in_head_[1] = {&cost_};
  redisReply* in_whole_[1] = {&head_};
};

limit_settings limits() {
  limit_settings out;
  out.request_rate = 10;
  return out;
}

struct fixture {
  net::admission gate{limits()};
  bulk_reads::clock::time_point now{};
  std::vector<std::pair<std::string, redis::client::handler>> sent;
  std::vector<std::function<void()>> posted;
  strings told;
  bulk_reads reads{{.send = [this](const bulk_reads::call& what,
                                   redis::client::handler done) { sent.emplace_back(what.back(), std::move(done)); },
                    .post = [this](std::function<void()> what) { posted.push_back(std::move(what)); },
                    .now = [this] { return now; }}};

  net::admission::payer from(const char* address) { return {gate, asio::ip::make_address(address)}; }

  bulk_reads::ticket ask(const std::string& what, net::admission::payer payer = {},
                         bulk_reads::manners manners = bulk_reads::manners::refused, std::string name = {}) {
    auto done = [this, name = name.empty() ? what : name](const bulk_reads::outcome& o) {
      told.push_back(name + (o.ec ? " failed" : o.wait_s > 0 ? " refused for " + std::to_string(o.wait_s) + " s" : ""));
    };
    return reads.ask({"FCALL", what}, {std::move(payer), manners, std::move(done)});
  }
  // Answers the read that was sent first.
  void answer(long long looks = 1) {
    REQUIRE_FALSE(sent.empty());
    auto const done = std::move(sent.front().second);
    sent.erase(sent.begin());
    done({}, reply_of_cost(looks).get());
  }
  void run_posted() {
    for (auto& one : std::exchange(posted, {}))
      one();
  }
  strings under_way() const {
    strings out;
    for (auto const& one : sent)
      out.push_back(one.first);
    return out;
  }
};

constexpr long long large = 100'000;

} // namespace

TEST_CASE_FIXTURE(fixture, "a large read is under way alone, after small ones several are") {
  for (const char* what : {"a", "b", "c", "d", "e"})
    ask(what);
  CHECK(under_way() == strings{"a"});
  answer(large);
  CHECK(under_way() == strings{"b"});
  answer(1);
  CHECK(under_way() == strings{"c", "d"});
  answer(large);
  CHECK(under_way() == strings{"d"});
}

TEST_CASE_FIXTURE(fixture, "what is asked for several times before it is sent is read once") {
  ask("first");
  ask("list", {}, bulk_reads::manners::refused, "anna");
  ask("list", {}, bulk_reads::manners::refused, "bob");
  answer();
  CHECK(under_way() == strings{"list"});
  answer();
  CHECK(told == strings{"first", "anna", "bob"});
}

TEST_CASE_FIXTURE(fixture, "what is asked for after a read was sent is read again, since it may have changed") {
  ask("list", {}, bulk_reads::manners::refused, "anna");
  ask("list", {}, bulk_reads::manners::refused, "bob");
  answer();
  CHECK(told == strings{"anna"});
  CHECK(under_way() == strings{"list"});
}

TEST_CASE_FIXTURE(fixture, "a read that nobody waits for any more is not made") {
  ask("first");
  auto const gone = ask("left");
  ask("next");
  reads.drop(gone);
  answer();
  CHECK(under_way() == strings{"next"});
  answer();
  CHECK(told == strings{"first", "next"});
  CHECK(reads.waiting() == 0);
}

TEST_CASE_FIXTURE(fixture, "a read that is under way is paid for by whoever left it, who is told nothing") {
  auto const gone = ask("list", from("192.0.2.1"));
  reads.drop(gone);
  answer(large);
  CHECK(told.empty());
  CHECK(from("192.0.2.1").wait(now) > 0);
}

TEST_CASE_FIXTURE(fixture, "an address that has read too much is refused until its rate allows for more") {
  ask("list", from("192.0.2.1"));
  answer(500 * 60); // 60 requests, of which 50 may come at once
  ask("more", from("192.0.2.1"));
  CHECK(told == strings{"list"});
  run_posted();
  CHECK(told == strings{"list", "more refused for 1 s"});
  CHECK(sent.empty());
  now += 1s;
  ask("again", from("192.0.2.1"));
  CHECK(under_way() == strings{"again"});
}

TEST_CASE_FIXTURE(fixture, "a stream's read waits for its address's rate, and holds up nobody") {
  ask("list", from("192.0.2.1"));
  answer(500 * 60);
  ask("stream", from("192.0.2.1"), bulk_reads::manners::patient);
  CHECK(sent.empty());
  ask("other", from("192.0.2.2"));
  CHECK(under_way() == strings{"other"});
  answer();
  now += 1s;
  reads.go_on();
  CHECK(under_way() == strings{"stream"});
}

TEST_CASE_FIXTURE(fixture, "addresses take turns") {
  for (const char* what : {"a1", "a2", "a3"})
    ask(what, from("192.0.2.1"));
  ask("b1", from("192.0.2.2"));
  CHECK(under_way() == strings{"a1"});
  answer(600);
  CHECK(under_way() == strings{"a2"});
  answer(600);
  CHECK(under_way() == strings{"b1"});
  answer(600);
  CHECK(under_way() == strings{"a3"});
}

TEST_CASE_FIXTURE(fixture, "one asker may leave while another is told") {
  bulk_reads::ticket second = 0;
  ask("first");
  reads.ask({"FCALL", "list"}, {{}, bulk_reads::manners::refused, [&](auto const&) { reads.drop(second); }});
  second = ask("list");
  answer();
  answer();
  CHECK(told == strings{"first"});
}

TEST_CASE_FIXTURE(fixture, "a connection that is lost fails what was under way, and the next read is tried") {
  ask("a");
  ask("b");
  auto const done = std::move(sent.front().second);
  sent.erase(sent.begin());
  done(redis::errc::lost, {});
  CHECK(told == strings{"a failed"});
  CHECK(under_way() == strings{"b"});
}

TEST_CASE_FIXTURE(fixture, "a read that two addresses wait for goes with whichever may read first") {
  ask("list", from("192.0.2.1"));
  answer(500 * 60);
  ask("own", from("192.0.2.1"), bulk_reads::manners::patient);
  ask("shared", from("192.0.2.1"), bulk_reads::manners::patient, "first");
  ask("shared", from("192.0.2.2"), bulk_reads::manners::patient, "second");
  CHECK(under_way() == strings{"shared"});
  answer();
  CHECK(told == strings{"list", "first", "second"});
  now += 10s;
  reads.go_on();
  CHECK(under_way() == strings{"own"});
  answer();
  CHECK(sent.empty());
  CHECK(reads.waiting() == 0);
}

TEST_CASE_FIXTURE(fixture, "a read that is under way is answered also to whoever would drop what is not") {
  auto const under = ask("a");
  auto const queued = ask("b");
  CHECK_FALSE(reads.drop_unsent(under));
  CHECK(reads.drop_unsent(queued));
  answer();
  CHECK(told == strings{"a"});
  CHECK(sent.empty());
}

TEST_CASE_FIXTURE(fixture, "a handler that throws keeps nothing from the others") {
  ask("first");
  reads.ask({"FCALL", "list"}, {{}, bulk_reads::manners::refused, [](auto const&) { throw std::bad_alloc(); }});
  ask("list");
  answer();
  answer();
  CHECK(told == strings{"first", "list"});
}
