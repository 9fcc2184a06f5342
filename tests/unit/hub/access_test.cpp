// Who is told of whose jobs.
#include "fake_backend.hpp"

#include <algorithm>

using namespace jobcast;
using jobcast::testing::hub_fixture;
using jobcast::testing::record;
using jobcast::testing::recorder;
using seen = std::vector<std::string>;

namespace {

auth::identity_ptr viewer(std::string sub, std::string tenant = {}) {
  boost::intrusive_ptr<auth::identity> const who(new auth::identity);
  who->what = auth::identity::kind::token;
  who->sub = std::move(sub);
  who->tenant = std::move(tenant);
  return who;
}

struct client {
  explicit client(std::string sub) { w.set_who(viewer(std::move(sub))); }
  recorder w;
  hub::link link;
};

std::string owned(unsigned version, std::string_view owner, std::string_view status = "processing") {
  return record("a", version, R"("owner":")" + std::string(owner) + R"(","status":")" + std::string(status) + '"');
}

struct access_fixture : hub_fixture {
  client anna{"anna"}, bob{"bob"};

  void both_watch() {
    watch(anna.w, anna.link, "a");
    hub.enlist(bob.w);
    hub.open(bob.w, bob.link, "a");
    hub.flush();
  }
  void read_record(const std::string& json, unsigned version) {
    hub.on_record("a", version, false, json);
    hub.flush();
  }
  void tell(unsigned version, std::string_view flags, const std::string& json) {
    hub.on_message("ns:event:a", std::to_string(version) + " " + std::string(flags) + " " + json);
    hub.flush();
  }
};

} // namespace

TEST_CASE_FIXTURE(access_fixture, "the owner sees the job and everyone else that there is none") {
  both_watch();
  read_record(owned(1, "anna"), 1);
  tell(2, "p", owned(2, "anna"));
  tell(3, "sf", owned(3, "anna", "done"));
  CHECK(anna.w.seen == seen{"1", "2", "3 final"});
  CHECK(bob.w.seen == seen{"missing"});
}

TEST_CASE_FIXTURE(access_fixture, "who comes later is judged by what is known") {
  watch(anna.w, anna.link, "a");
  read_record(owned(1, "anna"), 1);
  hub.enlist(bob.w);
  hub.open(bob.w, bob.link, "a");
  hub.flush();
  tell(2, "s", owned(2, "anna"));
  CHECK(bob.w.seen == seen{"missing"});
}

TEST_CASE_FIXTURE(access_fixture,
                  "a watch on a job that does not exist yet delivers nothing to others when it appears") {
  both_watch();
  hub.on_absent("a");
  hub.flush();
  tell(1, "ns", owned(1, "bob"));
  tell(2, "p", owned(2, "bob"));
  tell(0, "d", "null");
  tell(1, "ns", owned(1, "bob"));
  CHECK(anna.w.seen == seen{"missing"}); // once, or it would tell when
  CHECK(bob.w.seen == seen{"missing", "1", "2", "missing", "reset", "1"});
}

TEST_CASE_FIXTURE(access_fixture, "a read that overtakes the event of a new owner is judged itself") {
  both_watch();
  tell(5, "p", record("a", 5));
  read_record(owned(6, "bob"), 6);
  tell(6, "o", owned(6, "bob"));
  tell(7, "p", owned(7, "bob"));
  CHECK(bob.w.seen == seen{"missing", "6", "7"});
  CHECK(anna.w.seen == seen{"missing"});
}

TEST_CASE_FIXTURE(access_fixture, "a read that overtakes the event of a job made anew is judged itself") {
  both_watch();
  tell(0, "d", "null");
  read_record(owned(1, "bob"), 1);
  tell(1, "ns", owned(1, "bob"));
  CHECK(anna.w.seen == seen{"missing"});
  CHECK(bob.w.seen.back() == "1");
}

TEST_CASE_FIXTURE(access_fixture, "a job that gets its owner appears to them, and was hidden from everyone before") {
  both_watch();
  read_record(record("a", 1), 1);
  CHECK(bob.w.seen == seen{"missing"});
  tell(2, "o", owned(2, "bob"));
  tell(3, "p", owned(3, "bob"));
  CHECK(anna.w.seen == seen{"missing"});
  CHECK(bob.w.seen == seen{"missing", "2", "3"});
}

TEST_CASE_FIXTURE(access_fixture, "a job that was deleted and made anew belongs to its new owner alone") {
  both_watch();
  read_record(owned(7, "anna"), 7);
  tell(0, "d", "null");
  tell(1, "ns", owned(1, "bob"));
  CHECK(anna.w.seen == seen{"7", "missing"});
  CHECK(bob.w.seen == seen{"missing", "1"});
}

TEST_CASE_FIXTURE(access_fixture, "what a slow watcher has not read of a job is gone when the job becomes another's") {
  both_watch();
  anna.w.stalled = true;
  read_record(owned(7, "anna"), 7);
  tell(1, "ns", owned(1, "bob"));
  anna.w.stalled = false;
  anna.w.flush();
  CHECK(anna.w.seen == seen{"missing"});
  CHECK(bob.w.seen == seen{"missing", "1"});
}

TEST_CASE_FIXTURE(access_fixture, "after an outage a job that is still another's stays hidden") {
  both_watch();
  read_record(owned(1, "anna"), 1);
  hub.on_lost(now_ms());
  hub.set_available(true);
  hub.on_subscribed("ns:event:a");
  hub.flush();
  read_record(owned(1, "anna"), 1);
  read_record(owned(2, "anna"), 2);
  tell(3, "p", owned(3, "anna"));
  auto const is_record = [](const std::string& s) { return s[0] >= '0' && s[0] <= '9'; };
  CHECK(std::none_of(bob.w.seen.begin(), bob.w.seen.end(), is_record));
  CHECK(anna.w.seen.back() == "3");
}

TEST_CASE_FIXTURE(access_fixture, "other credentials on the same connection are judged at once") {
  both_watch();
  read_record(owned(1, "anna"), 1);
  bob.w.set_who(viewer("anna"));
  hub.judge_again(bob.link);
  hub.flush();
  anna.w.set_who(viewer("bob"));
  hub.judge_again(anna.link);
  hub.flush();
  tell(2, "p", owned(2, "anna"));
  CHECK(bob.w.seen == seen{"missing", "1", "2"});
  CHECK(anna.w.seen == seen{"1", "missing"});
}

TEST_CASE_FIXTURE(access_fixture, "who is told that there is none holds no more than its limit for it") {
  limits.outbox = 1;
  both_watch();
  read_record(owned(1, "anna"), 1);
  CHECK(bob.w.seen == seen{"missing"});
}
