#include "bench/result.hpp"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

using namespace jobcast::bench;

namespace {

result a_result() {
  result r;
  r.asked.watchers = 100;
  r.asked.rate = 1'000;
  r.server = "jobcast at \"here\"";
  r.jobs = 100;
  r.opening = 0.01;
  r.seconds = 2;
  r.published = 2'000;
  r.delivered_in_time = r.delivered = 2'000;
  r.own_cpu = 0.5;
  r.processes.push_back({.name = "gateway",
                         .cpu = 0.02,
                         .opening_cpu = 0.005,
                         .memory_before = 1e6,
                         .memory_open = 1.1e6,
                         .memory_end = 2e6});
  for (int i = 1; i <= 2'000; ++i)
    r.latencies.add(i * 1'000);
  r.series.assign(20, 100);
  return r;
}

} // namespace

TEST_CASE("a result is one JSON object, with CPU a delivery and memory a connection") {
  rapidjson::Document doc;
  std::string const json = to_json(a_result());
  REQUIRE_FALSE(doc.Parse(json.c_str()).HasParseError());
  CHECK(doc["deliveries_per_second"].GetDouble() == doctest::Approx(1'000));
  CHECK(doc["connections_per_second"].GetDouble() == doctest::Approx(10'000));
  auto const& process = doc["processes"][0];
  CHECK(process["cpu_us_per_delivery"].GetDouble() == doctest::Approx(10));
  CHECK(process["cpu_us_per_connection"].GetDouble() == doctest::Approx(50));
  CHECK(process["rss_bytes_per_connection"].GetDouble() == doctest::Approx(1'000));
  CHECK(doc["latency_us"]["p99"].GetDouble() == doctest::Approx(1'980).epsilon(0.01));
  CHECK(doc["failures"].Empty());
}

TEST_CASE("a run in which something was lost, repeated, refused or skipped has failed") {
  result r = a_result();
  CHECK(r.failures().empty());
  r.lost = 1;
  r.out_of_order = 2;
  r.refused = 3;
  r.conflated = 4;
  CHECK(r.failures().size() == 3);
  r.asked.every = true;
  CHECK(r.failures().size() == 4);
  CHECK(to_text(r).find("FAILED     1 deliveries were lost") != std::string::npos);
}

TEST_CASE("a load that could not keep up says so instead of blaming the server") {
  result r = a_result();
  CHECK(r.doubts().empty());
  r.own_cpu = 1.95;
  r.published = 1'500;
  CHECK(r.doubts().size() == 2);
}

TEST_CASE("a result without watchers or load divides by nothing") {
  result r;
  r.asked.watchers = 0;
  rapidjson::Document doc;
  std::string const json = to_json(r), picture = to_svg(r);
  CHECK_FALSE(doc.Parse(json.c_str()).HasParseError());
  for (auto const* no_number : {": nan", ": inf", "\"nan", ",nan"})
    CHECK((json + picture).find(no_number) == std::string::npos);
}

TEST_CASE("the picture is an SVG with both curves") {
  std::string const svg = to_svg(a_result());
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("<polyline") != svg.rfind("<polyline"));
  CHECK(svg.find("99.9 %") != std::string::npos);
}
