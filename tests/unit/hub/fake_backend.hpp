// A Redis that the test plays by hand: what the hub asks for is written down, answers are given when the test says.
#pragma once

#include "jobcast/base/clock.hpp"
#include "jobcast/hub/hub.hpp"

#include <doctest/doctest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace jobcast::testing {

inline std::string record(std::string_view id, unsigned version, std::string_view rest = R"("status":"processing")") {
  return R"({"id":")" + std::string(id) + R"(","version":)" + std::to_string(version) + R"(,"updated_at":7,)" +
         std::string(rest) + "}";
}

/// A watcher that takes everything at each flush, unless it is told to stall.
struct recorder final : hub::watcher {
  void flush() override {
    while (!stalled && !dirty().empty()) {
      hub::link& l = dirty().front();
      seen.push_back(describe(*l.at(0)));
      l.pop();
    }
  }
  void notify(hub::event_ptr notice) override { seen.push_back(describe(*notice)); }
  void finish(hub::event_ptr last_word) override { seen.push_back(describe(*last_word)); }
  void expire() override { seen.push_back("expired"); }
  void abort() override { seen.push_back("aborted"); }

  static std::string describe(const hub::event& e) {
    if (e.kind() == hub::event_kind::job)
      return std::to_string(e.version()) + (e.final() ? " final" : "");
    auto const text = e.sse();
    auto const from = text.find("event: ") + 7;
    std::string name(text.substr(from, text.find('\n', from) - from));
    return e.kind() == hub::event_kind::gateway ? std::string(e.data()) : name;
  }

  bool stalled = false;
  std::vector<std::string> seen;
};

struct fake_backend : hub::backend {
  void subscribe(std::string_view channel) override { subscribed.insert(std::string(channel)); }
  void unsubscribe(std::string_view channel) override { subscribed.erase(std::string(channel)); }
  void read(std::vector<hub::record_read> records) override {
    std::vector<std::string>& ids = reads.emplace_back();
    for (hub::record_read& one : records) {
      ids.push_back(std::move(one.id));
      payers.push_back(one.payer.key());
    }
  }
  void list(const std::string& scope, std::int64_t since, std::uint64_t ticket,
            const net::admission::payer& payer) override {
    lists.push_back({scope, since, ticket, payer});
  }
  void drop_list(std::uint64_t ticket) override {
    std::erase_if(lists, [&](const list_call& l) { return l.ticket == ticket; });
  }
  void schedule_flush() override {}

  struct list_call {
    std::string scope;
    std::int64_t since;
    std::uint64_t ticket;
    net::admission::payer payer;
  };
  std::set<std::string> subscribed;
  std::vector<std::vector<std::string>> reads;
  std::vector<std::string> payers; ///< of all that was to be read
  std::vector<list_call> lists;
};

struct hub_fixture {
  limit_settings limits;
  metrics::counters counters;
  fake_backend redis;
  hub::hub hub{redis, limits, "ns", counters};

  hub_fixture() {
    limits.outbox = 2'000;
    limits.resume_overlap = milliseconds(1'000);
    hub.set_available(true);
  }

  void watch(hub::watcher& w, hub::link& l, std::string_view job) {
    hub.enlist(w);
    hub.open(w, l, job);
    hub.on_subscribed("ns:event:" + std::string(job));
    hub.flush();
  }
  void answer_read(std::string_view job, unsigned version, bool final = false) {
    hub.on_record(job, version, final, record(job, version));
    hub.flush();
  }
  void publish(std::string_view job, unsigned version, std::string_view flags = "p") {
    hub.on_message("ns:event:" + std::string(job),
                   std::to_string(version) + " " + std::string(flags) + " " + record(job, version));
    hub.flush();
  }
};

} // namespace jobcast::testing
