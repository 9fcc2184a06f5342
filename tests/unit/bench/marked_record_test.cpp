#include "bench/marked_record.hpp"

#include "jobcast/job/event.hpp"

#include <doctest/doctest.h>

using namespace jobcast::bench;

TEST_CASE("a record has the size asked for and is found again in an event and in a message") {
  record_format const format("bench-1-", 350);
  std::string record;
  format.append(record, {.job = 17, .version = 42, .sent_at = 1'234'567'890});
  CHECK(record.size() == 350);
  CHECK(jobcast::job::id_of(record).version == 42);
  for (auto const& wrapped : {"id: 1-42\nevent: job\ndata: " + record, R"({"event":"job","record":)" + record + "}"}) {
    auto const found = format.find(wrapped);
    REQUIRE(found);
    CHECK(found->job == 17);
    CHECK(found->version == 42);
    CHECK(found->sent_at == 1'234'567'890);
  }
}

TEST_CASE("a record that needs more than the size asked for is whole all the same") {
  record_format const format("bench-1-", 10);
  std::string record;
  format.append(record, {.job = 1, .version = 1, .sent_at = 1});
  CHECK(record.back() == '}');
  CHECK(format.find(record)->job == 1);
}

TEST_CASE("a record of another load is not taken for one") {
  record_format const format("bench-1-", 350);
  CHECK_FALSE(format.find(R"({"id":"bench-2-17","version":1})"));
  CHECK_FALSE(format.find("retry: 2000"));
}

TEST_CASE("a record that was stored before the load carries no time") {
  record_format const format("bench-1-", 350);
  auto const found = format.find(R"({"id":"bench-1-3","version":1,"progress":{}})");
  REQUIRE(found);
  CHECK(found->sent_at == 0);
}

TEST_CASE("a report's message carries the time through the functions") {
  record_format const format("bench-1-", 350);
  CHECK(format
            .find(R"({"id":"bench-1-3","version":2,"progress":{"percent":42,"message":")" + record_format::stamp(77) +
                  R"("}})")
            ->sent_at == 77);
}
