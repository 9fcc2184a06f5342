#include "bench/histogram.hpp"

#include <doctest/doctest.h>

using jobcast::bench::histogram;

TEST_CASE("a histogram without values answers 0") {
  histogram h;
  CHECK(h.at(0.5) == 0);
  CHECK(h.max() == 0);
}

TEST_CASE("percentiles are off by less than one percent") {
  histogram h;
  for (std::int64_t us = 1; us <= 10'000; ++us)
    h.add(us * 1'000);
  for (double q : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    CAPTURE(q);
    CHECK(static_cast<double>(h.at(q)) == doctest::Approx(q * 1e7).epsilon(0.01));
  }
  CHECK(h.at(1) == doctest::Approx(1e7).epsilon(0.01));
  CHECK(h.max() == 10'000'000);
}

TEST_CASE("small values are exact") {
  histogram h;
  for (std::int64_t ns = 0; ns < 128; ++ns)
    h.add(ns);
  CHECK(h.at(0.5) == 63);
  CHECK(h.at(1) == 127);
}

TEST_CASE("no percentile is above the greatest value, and values out of range count at the ends") {
  histogram h;
  h.add(-5);
  h.add(1'000'001);
  CHECK(h.at(0.25) == 0);
  CHECK(h.at(1) <= h.max());
  h.add(INT64_MAX);
  CHECK(h.max() == 4ll * 3'600 * 1'000'000'000);
  CHECK(h.at(1) <= h.max());
}
