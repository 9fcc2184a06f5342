// Replies made from RESP text, for tests.
#pragma once

#include "jobcast/redis/resp.hpp"

#include <doctest/doctest.h>

namespace jobcast::test {

/// The first reply in `resp`.
inline redis::reply_ptr reply(std::string_view resp) {
  redis::decoder decoder;
  redis::reply_ptr first;
  REQUIRE(decoder.decode(resp, [&](redis::reply_ptr r) {
    first = std::move(r);
    return false;
  }));
  REQUIRE(first);
  return first;
}

} // namespace jobcast::test
