#include "jobcast/store/watch_reads.hpp"

#include <doctest/doctest.h>
#include <set>

using namespace jobcast;
using namespace std::chrono_literals;
using store::bulk_reads;
using strings = std::vector<std::string>;

namespace {

enum class row { record, none, later };

// What Redis answers: its cost, then a row for each id.
class reply {
 public:
  explicit reply(const std::vector<row>& rows, std::size_t record_bytes = 10)
      : text_(record_bytes, 'x')
      , parts_(rows.size() * 3)
      , in_parts_(rows.size() * 3)
      , rows_(rows.size() + 1)
      , in_whole_(rows.size() + 1) {
    rows_[0].type = REDIS_REPLY_INTEGER;
    for (std::size_t i = 0; i < rows.size(); ++i)
      fill(i, rows[i]);
    for (std::size_t i = 0; i < rows_.size(); ++i)
      in_whole_[i] = &rows_[i];
    whole_.type = REDIS_REPLY_ARRAY;
    whole_.elements = rows_.size();
    whole_.element = in_whole_.data();
  }
  const redisReply* get() const { return &whole_; }

 private:
  void fill(std::size_t i, row what) {
    redisReply& r = rows_[i + 1];
    r.type = what == row::record ? REDIS_REPLY_ARRAY : what == row::none ? REDIS_REPLY_NIL : REDIS_REPLY_INTEGER;
    if (what != row::record)
      return;
    redisReply* const parts = &parts_[i * 3];
    parts[0].type = REDIS_REPLY_INTEGER;
    parts[1].type = parts[2].type = REDIS_REPLY_STRING;
    parts[2].str = text_.data();
    parts[2].len = text_.size();
    for (std::size_t k = 0; k < 3; ++k)
      in_parts_[i * 3 + k] = parts + k;
    r.elements = 3;
    r.element = &in_parts_[i * 3];
  }

  std::string text_;
  std::vector<redisReply> parts_;
  std::vector<redisReply*> in_parts_;
  std::vector<redisReply> rows_;
  std::vector<redisReply*> in_whole_;
  redisReply whole_{};
};

limit_settings limits() {
  limit_settings out;
  out.request_rate = 10;
  return out;
}

struct fixture {
  net::admission gate{limits()};
  bulk_reads::clock::time_point now{};
  strings asked; ///< the ids of the call under way
  redis::client::handler done;
  strings got, failed;
  std::set<std::string> unwanted;
  bulk_reads lane{{.send =
                       [this](const bulk_reads::call& what, redis::client::handler then) {
                         asked.assign(what.begin() + 7, what.end());
                         done = std::move(then);
                       },
                   .post = [](std::function<void()>) {},
                   .now = [this] { return now; }}};
  store::watch_reads reads{
      lane,
      "ns",
      {.wanted = [this](std::string_view id) { return !unwanted.contains(std::string(id)); },
       .got = [this](std::string_view id,
                     redis::reply_view r) { got.push_back(std::string(id) + (r.is_nil() ? " missing" : "")); },
       .failed = [this](std::span<const std::string> ids) { failed.insert(failed.end(), ids.begin(), ids.end()); },
       .now = [this] { return now; }}};

  net::admission::payer from(const char* address) { return {gate, asio::ip::make_address(address)}; }
  void add(int count, const char* address, const std::string& name) {
    for (int i = 0; i < count; ++i)
      reads.add(name + std::to_string(i), from(address));
    reads.go_on();
  }
  void answer(const std::vector<row>& rows, std::size_t record_bytes = 10) {
    REQUIRE(rows.size() == asked.size());
    asked.clear();
    std::exchange(done, nullptr)({}, reply(rows, record_bytes).get());
  }
  void answer_all(std::size_t record_bytes = 10) { answer(std::vector<row>(asked.size(), row::record), record_bytes); }
};

} // namespace

TEST_CASE_FIXTURE(fixture, "up to a hundred records are read in one call, and one call is under way") {
  add(1, "192.0.2.1", "a");
  CHECK(asked == strings{"a0"});
  add(130, "192.0.2.1", "b");
  CHECK(asked.size() == 1);
  answer_all();
  CHECK(asked.size() == 100);
  answer_all();
  CHECK(asked.size() == 30);
  answer_all();
  CHECK(asked.empty());
  CHECK(got.size() == 131);
}

TEST_CASE_FIXTURE(fixture, "whoever waits for one record does not wait for another's two hundred") {
  add(1, "192.0.2.3", "first");
  add(200, "192.0.2.1", "many");
  add(1, "192.0.2.2", "one");
  answer_all();
  CHECK(std::find(asked.begin(), asked.end(), "one0") != asked.end());
}

TEST_CASE_FIXTURE(fixture, "a record that found no room, or is missing, is told as such in the end") {
  add(3, "192.0.2.1", "a");
  answer({row::record, row::later, row::none});
  CHECK(got == strings{"a0", "a2 missing"});
  CHECK(asked == strings{"a1"});
  answer_all();
  CHECK(got.back() == "a1");
}

TEST_CASE_FIXTURE(fixture, "an address that has read too much waits, and holds up nobody") {
  add(1, "192.0.2.1", "a");
  answer_all(512 * 500 * 60); // 60 requests, of which 50 may come at once
  add(1, "192.0.2.1", "b");
  CHECK(asked.empty());
  add(1, "192.0.2.2", "c");
  CHECK(asked == strings{"c0"});
  answer_all();
  now += 2s;
  reads.go_on();
  CHECK(asked == strings{"b0"});
}

TEST_CASE_FIXTURE(fixture, "a record that nobody waits for is not read") {
  unwanted = {"a1", "a2"};
  add(4, "192.0.2.1", "a");
  CHECK(asked == strings{"a0", "a3"});
}

TEST_CASE_FIXTURE(fixture, "a connection that is lost fails what was under way, and the next call is tried") {
  add(2, "192.0.2.1", "a");
  add(1, "192.0.2.1", "b");
  asked.clear();
  std::exchange(done, nullptr)(redis::errc::lost, {});
  CHECK(failed == strings{"a0", "a1"});
  CHECK(asked == strings{"b0"});
}
