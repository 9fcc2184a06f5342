#include "jobcast/api/answers.hpp"

#include <doctest/doctest.h>

using jobcast::api::retry_after;

namespace {
constexpr std::int64_t now = 1'000'000;
}

TEST_CASE("a fresh record is asked for again in a second, an old one in fifteen") {
  CHECK(retry_after(R"({"updated_at":1000000,"progress":{}})", now, 1, 0) == 1);
  CHECK(retry_after(R"({"updated_at":980000,"progress":{}})", now, 1, 0) == 5);
  CHECK(retry_after(R"({"updated_at":1,"progress":{}})", now, 1, 0) == 15);
}

TEST_CASE("a retry that is due later is waited for") {
  CHECK(retry_after(R"({"updated_at":1000000,"retry_at":1090000,"progress":{}})", now, 1, 0) == 90);
  CHECK(retry_after(R"({"updated_at":1000000,"retry_at":900000,"progress":{}})", now, 1, 0) == 1);
}

TEST_CASE("of an estimate half is waited, within bounds") {
  CHECK(retry_after(R"({"updated_at":1000000,"progress":{"eta":12000}})", now, 1, 0) == 6);
  CHECK(retry_after(R"({"updated_at":1000000,"progress":{"eta":600000}})", now, 1, 0) == 15);
}

TEST_CASE("load stretches the wait and chance spreads it") {
  CHECK(retry_after(R"({"updated_at":960000,"progress":{}})", now, 3, 0) == 30);
  CHECK(retry_after(R"({"updated_at":960000,"progress":{}})", now, 1, 999) == 12);
}

TEST_CASE("what is no record is asked for again in a second") {
  CHECK(retry_after("[]", now, 1, 0) == 1);
}
