// What a run measured, and how it is told: to people, to programs, as a picture. Pure.
#pragma once

#include "histogram.hpp"
#include "jobcast/bench/options.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace jobcast::bench {

/// Of one group of processes.
struct usage {
  std::string name;
  double cpu = 0;                                            ///< seconds, during the load
  double opening_cpu = 0;                                    ///< seconds, while the connections were opened
  double memory_before = 0, memory_open = 0, memory_end = 0; ///< resident bytes
};

struct result {
  options asked;
  std::string server; ///< name and address
  std::uint32_t jobs = 0;
  double opening = 0;   ///< seconds that opening all connections took
  double reopening = 0; ///< the same of the storm, if there was one
  double seconds = 0;   ///< of the load
  std::uint64_t published = 0, refused = 0;
  std::uint64_t delivered_in_time = 0; ///< within `seconds`
  std::uint64_t delivered = 0, conflated = 0, out_of_order = 0;
  std::int64_t lost = 0;
  std::uint64_t unanswered = 0; ///< reports that had no answer when the load ended
  double own_cpu = 0;           ///< of the load, seconds during `seconds`
  std::vector<usage> processes;
  histogram latencies;
  std::vector<std::uint32_t> series; ///< deliveries in each tenth of a second

  double deliveries_per_second() const { return per_second(delivered_in_time); }
  double reports_per_second() const { return per_second(published); }
  double connections_per_second() const { return opening > 0 ? asked.watchers / opening : 0; }
  double reconnections_per_second() const { return reopening > 0 ? asked.watchers / reopening : 0; }
  /// Of a group, in microseconds.
  double cpu_per_delivery(const usage& u) const {
    return delivered_in_time ? u.cpu * 1e6 / static_cast<double>(delivered_in_time) : 0;
  }
  double cpu_per_report(const usage& u) const { return published ? u.cpu * 1e6 / static_cast<double>(published) : 0; }
  double cpu_per_connection(const usage& u) const { return asked.watchers ? u.opening_cpu * 1e6 / asked.watchers : 0; }
  /// Growth in bytes.
  double memory_per_connection(const usage& u) const {
    return asked.watchers ? (u.memory_open - u.memory_before) / asked.watchers : 0;
  }

  /// What makes the run a failure, a sentence each.
  std::vector<std::string> failures() const;
  /// What makes its figures doubtful.
  std::vector<std::string> doubts() const;

 private:
  double per_second(std::uint64_t count) const { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }
};

std::string to_text(const result& r);
/// One object on several lines; microseconds, seconds and bytes, as the names say.
std::string to_json(const result& r);
/// Deliveries over time, and latency over percentiles.
std::string to_svg(const result& r);

} // namespace jobcast::bench
