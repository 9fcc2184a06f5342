#include "jobcast/job/job_key.hpp"

#include <doctest/doctest.h>

using namespace jobcast::job;

TEST_CASE("the same publisher and key always make the same job id") {
  CHECK(keyed_job_id("shop", "order-1") == "ktsc5cm2oeoymroj3k6mm3y6v76");
  CHECK(is_job_id(keyed_job_id("shop", "order-1")));
}

TEST_CASE("another publisher or key makes another job id") {
  CHECK(keyed_job_id("shop", "order-2") != keyed_job_id("shop", "order-1"));
  CHECK(keyed_job_id("shop2", "order-1") != keyed_job_id("shop", "order-1"));
  CHECK(keyed_job_id("shop", "1") != keyed_job_id("shop1", ""));
}

TEST_CASE("a request hash covers the names and values, not their order") {
  CHECK(request_hash({"type", "report", "input", "[1, 2]"}) ==
        "72e71f09de5ec0dfbf1c1a223c963da4d1bce673418572ecfe063ac63161223f");
  CHECK(request_hash({"input", "[1, 2]", "type", "report"}) == request_hash({"type", "report", "input", "[1, 2]"}));
  CHECK(request_hash({"type", "report"}) != request_hash({"type", "Report"}));
  CHECK(request_hash({"a", "bc"}) != request_hash({"ab", "c"}));
  CHECK(request_hash({}).size() == 64);
}
