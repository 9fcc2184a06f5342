#include "jobcast/api/entity_tags.hpp"

#include <doctest/doctest.h>
#include <string>

using jobcast::api::names_tag;

namespace {
constexpr std::string_view tag = "1700000000000-12";
}

TEST_CASE("a tag is known as it was sent, weak, in a list, and by a star") {
  for (auto sent : {R"("1700000000000-12")", R"(W/"1700000000000-12")", R"("1-1", "1700000000000-12")",
                    R"("a,b" ,W/"1700000000000-12","c")", R"("1-1","1700000000000-12-br")", "*", " *"})
    CHECK_MESSAGE(names_tag(sent, tag), sent);
}

TEST_CASE("a tag is known by what compressing proxies made of it") {
  for (std::string coding : {"-gzip", ";gzip", "-br", ";br", "-zstd", "-deflate", "-gzip-br", "-gzip;gzip"}) {
    CHECK_MESSAGE(names_tag("\"1700000000000-12" + coding + '"', tag), coding);
    CHECK_MESSAGE(names_tag("W/\"1700000000000-12" + coding + '"', tag), coding);
  }
  // mod_deflate of Apache 2.2 put it behind the quotes.
  CHECK(names_tag(R"("1700000000000-12"-gzip)", tag));
}

TEST_CASE("another tag is not taken for it") {
  for (auto sent : {"", "\"\"", "nonsense", R"("1-1")", R"("1700000000000-1")", R"("1700000000000-12-x")",
                    R"("1700000000000-12gzip")", R"("x1700000000000-12")", "1700000000000-12", R"("1700000000000-12)",
                    R"("-gzip")", R"("gzip")", R"("*")"})
    CHECK_MESSAGE(!names_tag(sent, tag), sent);
}
