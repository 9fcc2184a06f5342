#include "fake_backend.hpp"

using namespace jobcast;
using jobcast::testing::hub_fixture;
using jobcast::testing::recorder;
using seen = std::vector<std::string>;

namespace {

struct client {
  recorder w;
  hub::link link;
};

} // namespace

TEST_CASE_FIXTURE(hub_fixture,
                  "a watch subscribes first, reads after the acknowledgement, then delivers what is newer") {
  client c;
  hub.enlist(c.w);
  hub.open(c.w, c.link, "a");
  hub.flush();
  CHECK(redis.subscribed.contains("ns:event:a"));
  CHECK(redis.reads.empty());
  hub.on_subscribed("ns:event:a");
  hub.flush();
  REQUIRE(redis.reads.size() == 1);
  publish("a", 5);
  answer_read("a", 4);
  publish("a", 6);
  CHECK(c.w.seen == seen{"5", "6"});
}

TEST_CASE_FIXTURE(hub_fixture, "messages of an earlier subscription do not pass for those of one not yet in force") {
  client c;
  hub.enlist(c.w);
  hub.open(c.w, c.link, "a");
  publish("a", 9);
  hub.on_subscribed("ns:event:a");
  hub.flush();
  answer_read("a", 3);
  CHECK(c.w.seen == seen{"3"});
  hub.on_lost(now_ms());
  publish("a", 9);
  CHECK(counters.events.get() == 0);
}

TEST_CASE_FIXTURE(hub_fixture, "watchers of one job share a subscription and a read, and late ones get what is known") {
  client first, second;
  watch(first.w, first.link, "a");
  answer_read("a", 3);
  hub.enlist(second.w);
  hub.open(second.w, second.link, "a");
  hub.flush();
  CHECK(redis.reads.size() == 1);
  CHECK(second.w.seen == seen{"3"});
  CHECK(first.w.seen == seen{"3"});
}

TEST_CASE_FIXTURE(hub_fixture,
                  "an outcome is read again before it is told to who comes late, since a retry may have undone it") {
  client first, second, third;
  watch(first.w, first.link, "a");
  answer_read("a", 3, true);
  hub.enlist(second.w);
  hub.open(second.w, second.link, "a");
  hub.flush();
  CHECK(second.w.seen.empty());
  answer_read("a", 4);
  CHECK(second.w.seen == seen{"4"});
  publish("a", 5, "sf");
  hub.enlist(third.w);
  hub.open(third.w, third.link, "a");
  hub.flush();
  answer_read("a", 5, true);
  CHECK(third.w.seen == seen{"5 final"});
  CHECK(first.w.seen == seen{"3 final", "4", "5 final"});
}

TEST_CASE_FIXTURE(hub_fixture, "versions already known are dropped and counted") {
  client c;
  watch(c.w, c.link, "a");
  answer_read("a", 3);
  publish("a", 3);
  publish("a", 2);
  CHECK(c.w.seen == seen{"3"});
  CHECK(counters.events_stale.get() == 2);
}

TEST_CASE_FIXTURE(hub_fixture, "an unknown job is said to be missing, and appears when it is created") {
  client c;
  watch(c.w, c.link, "a");
  hub.on_absent("a");
  hub.flush();
  publish("a", 1, "ns");
  CHECK(c.w.seen == seen{"missing", "1"});
}

TEST_CASE_FIXTURE(hub_fixture, "an absence read before the creation was published does not hide it") {
  client c;
  watch(c.w, c.link, "a");
  publish("a", 1, "ns");
  hub.on_absent("a");
  hub.flush();
  CHECK(c.w.seen == seen{"1"});
}

TEST_CASE_FIXTURE(hub_fixture,
                  "a deleted job is missing, and one made anew under its id counts from the start after a reset") {
  client c;
  watch(c.w, c.link, "a");
  answer_read("a", 9);
  hub.on_message("ns:event:a", "0 d null");
  hub.flush();
  publish("a", 1, "ns");
  CHECK(c.w.seen == seen{"9", "missing", "reset", "1"});
}

TEST_CASE_FIXTURE(hub_fixture, "a stalled watcher gets the newest state only") {
  client c;
  watch(c.w, c.link, "a");
  answer_read("a", 1);
  c.w.stalled = true;
  for (unsigned version = 2; version < 50; ++version)
    publish("a", version);
  c.w.stalled = false;
  publish("a", 50);
  CHECK(c.w.seen == seen{"1", "50"});
}

TEST_CASE_FIXTURE(hub_fixture, "an outcome is never conflated away, even if the job is reopened before it is sent") {
  client c;
  watch(c.w, c.link, "a");
  answer_read("a", 1);
  c.w.stalled = true;
  publish("a", 2, "sf");
  publish("a", 3, "s");
  publish("a", 4, "p");
  c.w.stalled = false;
  publish("a", 5);
  CHECK(c.w.seen == seen{"1", "2 final", "5"});
}

TEST_CASE_FIXTURE(hub_fixture, "a watcher of every version gets each one") {
  client c;
  c.link.want_every();
  hub.enlist(c.w);
  hub.open(c.w, c.link, "a");
  hub.on_subscribed("ns:event:a");
  answer_read("a", 1);
  c.w.stalled = true;
  for (unsigned version = 2; version <= 5; ++version)
    publish("a", version);
  c.w.stalled = false;
  publish("a", 6);
  CHECK(c.w.seen == seen{"1", "2", "3", "4", "5", "6"});
}

TEST_CASE_FIXTURE(hub_fixture, "beyond its bound, a watcher of every version is told of the gap and given the newest") {
  client c;
  c.link.want_every();
  hub.enlist(c.w);
  hub.open(c.w, c.link, "a");
  hub.on_subscribed("ns:event:a");
  answer_read("a", 1);
  c.w.stalled = true;
  for (unsigned version = 2; version <= 500; ++version)
    publish("a", version);
  c.w.stalled = false;
  publish("a", 501);
  REQUIRE(c.w.seen.size() > 2);
  CHECK(c.w.seen[1] == "gap");
  CHECK(c.w.seen.back() == "501");
  CHECK(c.w.seen.size() < 40);
  CHECK(counters.gaps.get() > 0);
}

TEST_CASE_FIXTURE(hub_fixture, "a gap counts what was skipped since the one that was sent, and nothing twice") {
  client c;
  c.link.want_every();
  watch(c.w, c.link, "a");
  answer_read("a", 1);
  c.w.stalled = true;
  unsigned version = 1;
  std::uint64_t skipped = 0;
  std::size_t sent = 0;
  auto const take_one = [&] {
    const hub::event& e = *c.link.at(0);
    if (e.kind() == hub::event_kind::gap)
      skipped += std::stoull(std::string(e.data().substr(e.data().find("skipped") + 9)));
    else
      ++sent;
    c.link.pop();
  };
  for (int round = 0; round < 3; ++round) {
    for (int n = 0; n < 100; ++n)
      publish("a", ++version);
    take_one(); // what is held behind the gap stays
  }
  while (c.link.pending() > 0)
    take_one();
  CHECK(1 + sent + skipped == version);
}

TEST_CASE_FIXTURE(hub_fixture, "a reset outlives the gap that takes what was around it") {
  client c;
  c.link.want_every();
  watch(c.w, c.link, "a");
  answer_read("a", 76);
  c.w.stalled = true;
  publish("a", 1, "n");
  for (unsigned version = 2; version <= 500; ++version)
    publish("a", version);
  c.w.stalled = false;
  publish("a", 501);
  REQUIRE(c.w.seen.size() > 3);
  CHECK(c.w.seen[0] == "76");
  CHECK(c.w.seen[1] == "gap");
  CHECK(c.w.seen[2] == "reset");
  CHECK(c.w.seen.back() == "501");
}

TEST_CASE_FIXTURE(hub_fixture, "what is held is bounded for a watcher as a whole, however many jobs it watches") {
  recorder w;
  hub.enlist(w);
  std::vector<std::unique_ptr<jobcast::hub::link>> links;
  std::size_t held = 0;
  w.stalled = true;
  for (int job = 0; job < 20; ++job) {
    std::string const id = "job" + std::to_string(job);
    links.push_back(std::make_unique<jobcast::hub::link>());
    links.back()->want_every();
    hub.open(w, *links.back(), id);
    hub.on_subscribed("ns:event:" + id);
    for (unsigned version = 1; version <= 100; ++version)
      publish(id, version);
  }
  for (auto const& l : links)
    held += l->pending();
  CHECK(held < 100);
}

TEST_CASE_FIXTURE(hub_fixture, "after an outage every watch is read again, and only changes are delivered") {
  client same, changed;
  watch(same.w, same.link, "a");
  watch(changed.w, changed.link, "b");
  answer_read("a", 3);
  answer_read("b", 3);
  hub.on_lost(now_ms());
  hub.set_available(true);
  redis.reads.clear();
  hub.on_subscribed("ns:event:a");
  hub.on_subscribed("ns:event:b");
  hub.flush();
  REQUIRE(redis.reads.size() == 1);
  CHECK(redis.reads[0].size() == 2);
  answer_read("a", 3);
  answer_read("b", 8);
  CHECK(same.w.seen == seen{"3", R"({"state":"degraded"})", R"({"state":"ok"})"});
  CHECK(changed.w.seen == seen{"3", R"({"state":"degraded"})", R"({"state":"ok"})", "8"});
}

TEST_CASE_FIXTURE(hub_fixture, "a version lower than before the outage is taken after a reset") {
  client c;
  watch(c.w, c.link, "a");
  answer_read("a", 9);
  hub.on_lost(now_ms());
  hub.set_available(true);
  hub.on_subscribed("ns:event:a");
  answer_read("a", 4);
  CHECK(c.w.seen.back() == "4");
  CHECK(c.w.seen[c.w.seen.size() - 2] == "reset");
}

TEST_CASE_FIXTURE(hub_fixture, "who comes during an outage gets the record once it was read again, changed or not") {
  client before, during;
  watch(before.w, before.link, "a");
  answer_read("a", 3);
  hub.on_lost(now_ms());
  hub.enlist(during.w);
  hub.open(during.w, during.link, "a");
  hub.flush();
  CHECK(during.w.seen == seen{R"({"state":"degraded"})"});
  hub.set_available(true);
  hub.on_subscribed("ns:event:a");
  answer_read("a", 3);
  CHECK(during.w.seen.back() == "3");
}

TEST_CASE_FIXTURE(hub_fixture, "reads that failed are asked again") {
  client c;
  watch(c.w, c.link, "a");
  std::vector<std::string> const ids{"a"};
  hub.on_read_failed(ids);
  redis.reads.clear();
  hub.retry_reads();
  hub.flush();
  REQUIRE(redis.reads.size() == 1);
  answer_read("a", 2);
  CHECK(c.w.seen == seen{"2"});
}

TEST_CASE_FIXTURE(hub_fixture, "a watch lingers after its last watcher, and is then let go") {
  hub.tick(0);
  {
    client c;
    watch(c.w, c.link, "a");
    answer_read("a", 1);
    hub.close(c.link);
  }
  hub.tick(limits.linger.count() - 1);
  CHECK(redis.subscribed.contains("ns:event:a"));
  client again;
  hub.enlist(again.w);
  hub.open(again.w, again.link, "a");
  hub.flush();
  CHECK(again.w.seen == seen{"1"});
  hub.tick(limits.linger.count() + 1);
  CHECK(redis.subscribed.contains("ns:event:a"));
  hub.close(again.link);
  hub.tick(limits.linger.count() * 3);
  CHECK_FALSE(redis.subscribed.contains("ns:event:a"));
}

TEST_CASE_FIXTURE(hub_fixture, "what is no event is counted and harms nobody") {
  client c;
  watch(c.w, c.link, "a");
  answer_read("a", 1);
  for (auto payload : {"", "x", "2", "2 p", "2 p {}\n\nevent: job", "-1 p {}", "99999999999999999999999 p {}"})
    hub.on_message("ns:event:a", payload);
  hub.flush();
  CHECK(c.w.seen == seen{"1"});
  CHECK(counters.events_invalid.get() == 7);
}

TEST_CASE_FIXTURE(hub_fixture, "a read is charged to whoever opened the job first, and to nobody after an outage") {
  net::admission gate(limits);
  net::admission::payer const anna(gate, asio::ip::make_address("192.0.2.1"));
  net::admission::payer const bob(gate, asio::ip::make_address("192.0.2.2"));
  recorder first, second;
  hub::link a, b;
  hub.enlist(first);
  hub.enlist(second);
  hub.open(first, a, "a", anna);
  hub.open(second, b, "a", bob);
  hub.on_subscribed("ns:event:a");
  hub.flush();
  CHECK(redis.payers == std::vector<std::string>{anna.key()});
  answer_read("a", 3);
  hub.on_lost(0);
  hub.on_subscribed("ns:event:a");
  hub.flush();
  CHECK(redis.payers == std::vector<std::string>{anna.key(), ""});
  hub.close(a);
  hub.close(b);
}

TEST_CASE_FIXTURE(hub_fixture, "a record that nobody waits for when its turn comes is read for the next watcher") {
  recorder w;
  hub::link l;
  watch(w, l, "a");
  CHECK(hub.wants("a"));
  hub.close(l);
  CHECK_FALSE(hub.wants("a"));
  CHECK_FALSE(hub.wants("b"));
  hub::link again;
  hub.open(w, again, "a");
  hub.flush();
  REQUIRE(redis.reads.size() == 2);
  CHECK(hub.wants("a"));
  answer_read("a", 3);
  CHECK(w.seen == std::vector<std::string>{"3"});
  CHECK_FALSE(hub.wants("a"));
  hub.close(again);
}
