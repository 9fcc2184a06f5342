#include "jobcast/bench/options.hpp"

#include <doctest/doctest.h>

using namespace jobcast::bench;

TEST_CASE("the defaults can be meant") {
  CHECK(problem_of({}) == "");
}

TEST_CASE("what cannot be meant is refused, naming the option") {
  auto const problem = [](auto change) {
    options o;
    change(o);
    return problem_of(o);
  };
  CHECK(problem([](options& o) { o.jobs = 300; }).starts_with("--watchers must be a multiple"));
  CHECK(problem([](options& o) { o.jobs = 2'000; }).starts_with("--jobs may not be more"));
  CHECK(problem([](options& o) { o.watchers = 0; }).starts_with("--jobs must be at least 1"));
  CHECK(problem([](options& o) { o.seconds = -1; }).starts_with("--seconds"));
  CHECK(problem([](options& o) { o.window = 0; }).starts_with("--window"));
  CHECK(problem([](options& o) { o.over = transport::long_poll, o.via = way::event; }).starts_with("--via event"));
  CHECK(problem([](options& o) { o.over = transport::long_poll, o.every = true; }).starts_with("--every"));
  CHECK(problem([](options& o) { o.peer = "x.toml"; }).starts_with("--peer"));
}
