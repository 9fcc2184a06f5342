#include "jobcast/job/ownership.hpp"

#include <doctest/doctest.h>

using jobcast::job::ownership_of;

TEST_CASE("owner, tenant and type are read from the record itself, not from what a worker put into it") {
  auto const who = ownership_of(
      R"({"id":"a","version":3,"type":"invoice","owner":"Anna \"A\" \u00fc","labels":{"owner":"eve"},"result":{"owner":"eve","tenant":"eve"}})");
  CHECK(who.id == "a");
  CHECK(who.owner == "Anna \"A\" \xc3\xbc");
  CHECK(who.tenant == "");
  CHECK(who.type == "invoice");
}

TEST_CASE("a large record is read too") {
  auto const who = ownership_of(R"({"id":"a","result":")" + std::string(100'000, 'x') + R"(","owner":"anna"})");
  CHECK(who.owner == "anna");
}

TEST_CASE("of a member that is there twice the first counts, which is the function library's") {
  CHECK(ownership_of(R"({"id":"a","owner":"anna","result":1,"owner":"eve"})").owner == "anna");
}

TEST_CASE("what is no record belongs to nobody") {
  CHECK(ownership_of("null").owner == "");
  CHECK(ownership_of(R"({"owner":["anna"]})").owner == "");
}
