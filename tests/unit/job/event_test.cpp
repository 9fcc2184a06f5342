#include "jobcast/job/event.hpp"

#include <doctest/doctest.h>

using namespace jobcast::job;

namespace {
constexpr std::string_view record = R"({"id":"inv-1","version":17,"updated_at":1700000000123,"status":"done"})";
} // namespace

TEST_CASE("an event is a version, flags and the record") {
  const std::string message = "17 sf " + std::string(record);
  const auto event = parse_event(message);
  REQUIRE(event);
  CHECK(event->version == 17);
  CHECK(event->flags == event_flags{.status = true, .final = true});
  CHECK(event->record == record);
}

TEST_CASE("every flag has its letter, and letters of a newer library are ignored") {
  CHECK(parse_flags("-") == event_flags{});
  CHECK(parse_flags("") == event_flags{});
  CHECK(parse_flags("p") == event_flags{.progress = true});
  CHECK(parse_flags("nso") == event_flags{.status = true, .created = true, .ownership = true});
  CHECK(parse_flags("d") == event_flags{.deleted = true});
  CHECK(parse_flags("fz") == event_flags{.final = true});
  CHECK_FALSE(parse_flags("F"));
  CHECK_FALSE(parse_flags("s-"));
}

TEST_CASE("a deleted job is announced by the record null") {
  const auto event = parse_event("0 d null");
  REQUIRE(event);
  CHECK(event->flags.deleted);
  CHECK(event->record == "null");
  CHECK_FALSE(parse_event("3 s null"));
  CHECK_FALSE(parse_event("3 d {}"));
}

TEST_CASE("a feed message names the job first") {
  const std::string message = "inv-1 17 - " + std::string(record);
  const auto feed = parse_feed(message);
  REQUIRE(feed);
  CHECK(feed->id == "inv-1");
  CHECK(feed->what.version == 17);
  CHECK(feed->what.record == record);
  CHECK_FALSE(parse_feed("17 - {}"));
  CHECK_FALSE(parse_feed("a/b 17 - {}"));
  CHECK_FALSE(parse_feed("inv-1"));
  CHECK_FALSE(parse_feed(""));
}

TEST_CASE("what is not an event is refused") {
  for (const auto bad : {"", "17", "17 ", "17 s", "17 s ", "17  {}", " 17 s {}", "x s {}", "-1 s {}", "+1 s {}",
                         "1x s {}", "17 s [1]", "17 s x", "99999999999999999999 s {}"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_event(bad));
  }
}

TEST_CASE("a record that would break out of its line is refused") {
  CHECK_FALSE(parse_event("1 s {\"a\":1}\n"));
  CHECK_FALSE(parse_event("1 s {\"a\":\n1}"));
  CHECK_FALSE(parse_event("1 s {\"a\":\r1}"));
  CHECK_FALSE(is_one_line(""));
  CHECK(is_one_line("{}"));
}

TEST_CASE("the event id is read from the record's fixed beginning") {
  CHECK(to_string(id_of(record)) == "1700000000123-17");
  CHECK(id_of(R"({"id":"updated_at","version":1,"updated_at":2,"result":{"version":8,"updated_at":9}})") ==
        event_id{2, 1});
}

TEST_CASE("the event id of an unusual record is found elsewhere, and 0 when absent") {
  CHECK(id_of(R"({"id":"a","status":"done","updated_at":5,"version":3})") == event_id{5, 3});
  CHECK(id_of(R"({"id":"a","version":3})") == event_id{0, 3});
  CHECK(id_of(R"({"id":"a","updated_at":"5","version":)") == event_id{0, 0});
  CHECK(id_of(R"({"id":"a","version":18446744073709551615,"updated_at":999999999999999999,)") ==
        event_id{999'999'999'999'999'999, 18'446'744'073'709'551'615u});
  CHECK(id_of(R"({"id":"a","version":99999999999999999999,"updated_at":5})") == event_id{5, 0});
  CHECK(id_of(R"({"id":"a","version":1,"updated_at":-5})") == event_id{0, 1});
  CHECK(id_of("") == event_id{});
}

TEST_CASE("an event id is read back only as it is written") {
  CHECK(parse_event_id("1700000000123-17") == event_id{1700000000123, 17});
  for (const auto bad :
       {"", "-", "5", "5-", "-5", "5-3x", "x5-3", "5--3", "-5-3", " 5-3", "5-3-1", "9999999999999999999-1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_event_id(bad));
  }
}
