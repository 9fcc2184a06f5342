#include "jobcast/redis/info.hpp"

#include <doctest/doctest.h>

using jobcast::redis::info_value;

TEST_CASE("a value is what stands behind its name on a line") {
  constexpr std::string_view info =
      "# Memory\r\nused_memory:1\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\nlast:x";
  CHECK(info_value(info, "maxmemory") == "0");
  CHECK(info_value(info, "maxmemory_policy") == "allkeys-lru");
  CHECK(info_value(info, "last") == "x");
  for (auto none : {"memory", "policy", "used", "# Memory", ""})
    CHECK_MESSAGE(info_value(info, none).empty(), none);
  CHECK(info_value("", "a").empty());
}
