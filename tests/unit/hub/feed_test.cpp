#include "fake_backend.hpp"

#include <algorithm>

using namespace jobcast;
using jobcast::testing::hub_fixture;
using jobcast::testing::record;
using jobcast::testing::recorder;
using seen = std::vector<std::string>;

namespace {

struct viewer {
  recorder w;
  hub::feed_member member;
};

struct feed_fixture : hub_fixture {
  void open(viewer& v, std::int64_t since = 0) {
    hub.enlist(v.w);
    hub.open_feed(v.w, v.member, "/o", since);
    hub.flush();
  }
  void feed(std::string_view id, unsigned version, std::string_view flags = "p") {
    hub.on_message("ns:feed:/o", std::string(id) + " " + std::to_string(version) + " " + std::string(flags) + " " +
                                     record(id, version));
    hub.flush();
  }
  struct row {
    std::string_view id;
    unsigned version;
    bool final = false;
  };
  void answer_list(std::vector<row> rows, std::string_view cursor = {}) {
    std::vector<std::string> texts;
    for (auto const& r : rows)
      texts.push_back(record(r.id, r.version));
    std::vector<hub::listed_record> records;
    for (std::size_t i = 0; i < rows.size(); ++i)
      records.push_back({rows[i].id, rows[i].version, rows[i].final, texts[i]});
    auto const asked = redis.lists.front();
    redis.lists.erase(redis.lists.begin());
    hub.on_listed(asked.ticket, records, cursor);
    hub.flush();
  }
};

} // namespace

TEST_CASE_FIXTURE(feed_fixture, "an owner's watcher gets what exists, and every job that comes after") {
  viewer v;
  open(v);
  CHECK(redis.lists.empty());
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 3}, {"b", 7, true}});
  feed("a", 4);
  feed("c", 1, "ns");
  CHECK(v.w.seen == seen{"3", "7 final", "4", "1"});
}

TEST_CASE_FIXTURE(feed_fixture, "a watcher that lags behind further than its limit is ended, and no other") {
  limits.feed_backlog = 5;
  viewer slow, quick;
  open(slow);
  open(quick);
  hub.on_subscribed("ns:feed:/o");
  answer_list({});
  answer_list({});
  slow.w.stalled = true;
  for (unsigned n = 0; n < 6; ++n)
    feed("job-" + std::to_string(n), 1, "sfn");
  CHECK(slow.w.seen == seen{"aborted"});
  CHECK(quick.w.seen == seen(6, "1 final"));
}

TEST_CASE_FIXTURE(feed_fixture, "records that a watcher has not taken count by their bytes too") {
  limits.outbox = 100;
  viewer slow;
  open(slow);
  hub.on_subscribed("ns:feed:/o");
  answer_list({});
  slow.w.stalled = true;
  hub.on_message("ns:feed:/o", "big 1 sfn " + record("big", 1, R"("text":")" + std::string(6'500, 'x') + '"'));
  hub.tick(1);
  CHECK(slow.w.seen == seen{"aborted"});
}

TEST_CASE_FIXTURE(feed_fixture, "what was published before the list came is not undone by it") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  feed("a", 5);
  answer_list({{"a", 4}});
  CHECK(v.w.seen == seen{"5"});
}

TEST_CASE_FIXTURE(feed_fixture, "a cut list is said to be cut") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 1}}, "next");
  CHECK(v.w.seen == seen{"more", "1"});
}

TEST_CASE_FIXTURE(feed_fixture, "a second viewer's list tells the first nothing twice") {
  viewer first, second;
  open(first);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 3}, {"b", 7, true}});
  hub.tick(1);
  open(second);
  answer_list({{"a", 3}, {"b", 7, true}, {"c", 2, true}});
  CHECK(first.w.seen == seen{"3", "7 final"});
  CHECK(second.w.seen == seen{"3", "7 final", "2 final"});
  feed("c", 3, "s");
  CHECK(first.w.seen.back() == "3");
  CHECK(second.w.seen.back() == "3");
}

TEST_CASE_FIXTURE(feed_fixture, "viewers that come while a list is under way each get their own") {
  viewer first, second;
  open(first);
  hub.on_subscribed("ns:feed:/o");
  open(second);
  answer_list({{"a", 3}, {"b", 7, true}});
  answer_list({{"a", 3}, {"b", 7, true}});
  feed("b", 8, "s");
  CHECK(first.w.seen == seen{"3", "7 final", "8"});
  CHECK(second.w.seen == seen{"3", "7 final", "8"});
}

TEST_CASE_FIXTURE(feed_fixture, "a stalled viewer gets each job's newest state and every outcome") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({});
  v.w.stalled = true;
  feed("a", 1, "ns");
  feed("a", 2);
  feed("b", 1, "ns");
  feed("a", 3, "sf");
  feed("a", 4, "s");
  hub.tick(10);
  v.w.stalled = false;
  feed("b", 2);
  CHECK(v.w.seen == seen{"3 final", "4", "2"});
}

TEST_CASE_FIXTURE(feed_fixture, "settled outcomes are let go, so that a day's jobs cost nothing") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({});
  for (int i = 0; i < 100; ++i)
    feed("job" + std::to_string(i), 1, "nsf");
  hub.tick(1);
  feed("job5", 2, "s");
  CHECK(v.w.seen.size() == 101);
}

TEST_CASE_FIXTURE(feed_fixture, "a job made anew after its outcome was let go is told with a reset") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 10, true}});
  hub.tick(1);
  feed("a", 1, "n");
  feed("a", 2);
  CHECK(v.w.seen == seen{"10 final", "reset", "1", "2"});
}

TEST_CASE_FIXTURE(feed_fixture, "a job deleted and made anew in one turn is told with a reset, let go or not") {
  for (bool const let_go : {true, false}) {
    viewer v;
    open(v);
    if (let_go)
      hub.on_subscribed("ns:feed:/o");
    std::string const id = let_go ? "a" : "b";
    answer_list({{id, 10, true}});
    if (let_go)
      hub.tick(1);
    hub.on_message("ns:feed:/o", id + " 0 d null");
    hub.on_message("ns:feed:/o", id + " 1 n " + record(id, 1));
    hub.on_message("ns:feed:/o", id + " 2 s " + record(id, 2));
    hub.flush();
    REQUIRE(v.w.seen.size() >= 3);
    CHECK(v.w.seen[v.w.seen.size() - 2] == "reset");
    CHECK(v.w.seen.back() == "2");
    hub.close_feed(v.member);
  }
}

TEST_CASE_FIXTURE(feed_fixture, "a job tried again after its outcome was let go needs no reset, nor does a new one") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 10, true}});
  hub.tick(1);
  feed("a", 11, "s");
  feed("b", 1, "n");
  CHECK(v.w.seen == seen{"10 final", "11", "1"});
}

TEST_CASE_FIXTURE(feed_fixture, "a deleted job that was let go comes back with a reset") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 10}});
  hub.on_message("ns:feed:/o", "a 0 d null");
  hub.flush();
  hub.tick(1);
  feed("a", 4, "n");
  CHECK(v.w.seen == seen{"10", "missing", "reset", "4"});
}

TEST_CASE_FIXTURE(feed_fixture, "a read that an outcome overtook does not undo it once that was let go") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({});
  hub.on_lost(now_ms());
  hub.set_available(true);
  hub.on_subscribed("ns:feed:/o");
  hub.on_message("ns:feed:/o", R"(a 10 sf {"id":"a","version":10,"updated_at":20,"status":"done"})");
  hub.flush();
  hub.tick(1);
  auto const told = v.w.seen;
  answer_list({{"a", 9}});
  CHECK(v.w.seen == told);
  hub.tick(2);
  feed("a", 11, "s");
  CHECK(v.w.seen.back() == "11");
}

TEST_CASE_FIXTURE(feed_fixture,
                  "after an outage an older record of a job that was let go is the truth, for all viewers") {
  viewer before, after;
  open(before);
  hub.on_subscribed("ns:feed:/o");
  answer_list({});
  hub.on_message("ns:feed:/o", R"(a 9 sf {"id":"a","version":9,"updated_at":20,"status":"done"})");
  hub.flush();
  hub.tick(1);
  REQUIRE(before.w.seen == seen{"9 final"});
  // A replica that lagged behind has become the primary.
  hub.on_lost(now_ms());
  hub.set_available(true);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 4}});
  CHECK(before.w.seen.back() == "4");
  CHECK(before.w.seen[before.w.seen.size() - 2] == "reset");
  open(after);
  answer_list({{"a", 4}});
  CHECK(after.w.seen == seen{"4"});
}

TEST_CASE_FIXTURE(feed_fixture, "what a list tells again of a job that was let go needs no reset") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 10, true}, {"b", 10, true}});
  hub.tick(1);
  hub.on_lost(now_ms());
  hub.set_available(true);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 10, true}, {"b", 4}});
  auto const count = [&](std::string_view what) { return std::count(v.w.seen.begin(), v.w.seen.end(), what); };
  CHECK(count("reset") == 1); // of b, which was made anew meanwhile
  CHECK(v.w.seen.back() == "4");
}

TEST_CASE_FIXTURE(feed_fixture, "where more were let go than are remembered, every new job comes with a reset") {
  limits.feed_backlog = 3;
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"first", 10, true}});
  for (unsigned n = 0; n < 5; ++n) {
    feed("job-" + std::to_string(n), 1, "sfn");
    hub.tick(n + 1);
  }
  feed("first", 1, "n");
  CHECK(v.w.seen[v.w.seen.size() - 2] == "reset");
  CHECK(v.w.seen.back() == "1");
}

TEST_CASE_FIXTURE(feed_fixture, "a record that vanished is missing for watchers of its owner, whoever that is") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 3}, {"b", 3}});
  hub.on_message("ns:gone", "a");
  hub.on_message("ns:gone", "nobodys");
  hub.flush();
  CHECK(v.w.seen == seen{"3", "3", "missing"});
  feed("a", 1, "n");
  CHECK(v.w.seen.back() == "1");
}

TEST_CASE_FIXTURE(feed_fixture, "a record that vanished is missing for its owner's watchers though it was let go") {
  limits.feed_backlog = 3;
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"over", 3, true}, {"a", 3}});
  for (unsigned n = 0; n < 4; ++n)
    feed("job-" + std::to_string(n), 1, "n");
  hub.tick(1);
  auto told = v.w.seen;
  for (auto const* job : {"a", "over"}) {
    hub.on_message("ns:gone", job);
    hub.flush();
    told.emplace_back("missing");
    CHECK(v.w.seen == told);
  }
  hub.on_message("ns:gone", "nobodys");
  hub.flush();
  CHECK(v.w.seen == told);
  feed("a", 1, "n");
  CHECK(v.w.seen.back() == "1");
}

TEST_CASE_FIXTURE(feed_fixture,
                  "after an outage one list for all tells what changed, and the rest is read one by one") {
  viewer first, second;
  open(first);
  open(second);
  hub.on_subscribed("ns:feed:/o");
  answer_list({{"a", 1}, {"b", 1}});
  answer_list({{"a", 1}, {"b", 1}});
  hub.on_lost(now_ms());
  hub.set_available(true);
  hub.on_subscribed("ns:feed:/o");
  hub.flush();
  REQUIRE(redis.lists.size() == 1);
  answer_list({{"a", 6, true}});
  REQUIRE(redis.reads.size() == 1);
  CHECK(redis.reads[0] == std::vector<std::string>{"b"});
  answer_read("b", 2);
  CHECK(first.w.seen.back() == "2");
  CHECK(second.w.seen.back() == "2");
  CHECK(first.w.seen[first.w.seen.size() - 2] == "6 final");
}

TEST_CASE_FIXTURE(feed_fixture, "a list that failed is asked again") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  auto const ticket = redis.lists.front().ticket;
  redis.lists.clear();
  hub.on_list_failed(ticket);
  hub.retry_reads();
  answer_list({{"a", 1}});
  CHECK(v.w.seen == seen{"1"});
}

TEST_CASE_FIXTURE(feed_fixture, "the list of whoever leaves before it comes is dropped") {
  viewer v;
  open(v);
  hub.on_subscribed("ns:feed:/o");
  REQUIRE(redis.lists.size() == 1);
  hub.close_feed(v.member);
  CHECK(redis.lists.empty());
}

TEST_CASE_FIXTURE(feed_fixture, "a watcher pays for its first list, also if that was lost, and not for the gateway's") {
  net::admission gate(limits);
  net::admission::payer const payer(gate, asio::ip::make_address("192.0.2.1"));
  viewer v;
  hub.enlist(v.w);
  hub.open_feed(v.w, v.member, "/o", 0, payer);
  hub.on_subscribed("ns:feed:/o");
  REQUIRE(redis.lists.size() == 1);
  CHECK(redis.lists[0].payer.key() == payer.key());
  hub.on_lost(0);
  hub.on_subscribed("ns:feed:/o");
  REQUIRE(redis.lists.size() == 1);
  CHECK(redis.lists[0].payer.key() == payer.key());
  answer_list({});
  hub.on_lost(0);
  hub.on_subscribed("ns:feed:/o");
  REQUIRE(redis.lists.size() == 1);
  CHECK(redis.lists[0].payer.key().empty());
}

TEST_CASE_FIXTURE(feed_fixture, "a viewer may leave at any moment") {
  {
    viewer v;
    open(v);
    hub.on_subscribed("ns:feed:/o");
    feed("a", 1, "ns");
    hub.close_feed(v.member);
  }
  feed("a", 2);
  hub.on_listed(1, {}, {});
  hub.tick(limits.linger.count() * 2);
  CHECK(redis.subscribed.empty());
}
