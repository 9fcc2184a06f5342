// What `jobcast bench` is asked to do.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace jobcast::bench {

enum class transport { sse, websocket, long_poll };

/// How the load reports on its jobs.
enum class way {
  fcall,   ///< FCALL jobcast_report
  event,   ///< PUBLISH of ready-made events on ns:event:<id>: what a gateway costs, without the function
  publish, ///< PUBLISH on ns:report:<id>
  http,    ///< POST /api/reports, many lines a request; of another server, whatever its description says
};

/// Whose CPU time and memory are watched.
struct process_group {
  std::string name;
  std::vector<int> pids;
};

struct options {
  std::string url = "http://127.0.0.1:8080";
  std::string redis = "redis://127.0.0.1:6390";
  std::string ns = "jobcast";
  std::string peer;                 ///< file that describes another server; empty: jobcast
  std::vector<std::string> headers; ///< further ones of every request, "Name: value"
  std::vector<process_group> processes;
  std::string json, plot; ///< files to write; "-" is the standard output
  transport over = transport::sse;
  way via = way::fcall;
  unsigned watchers = 1'000;
  unsigned jobs = 0;        ///< 0: one for each watcher
  unsigned sources = 0;     ///< loopback addresses to connect from; 0: as many as ports demand
  unsigned rate = 1'000;    ///< reports a second; 0: as many as the server takes
  unsigned window = 2'000;  ///< deliveries under way at a time, without a rate
  unsigned opening = 200;   ///< connections being opened at a time
  unsigned record = 350;    ///< bytes of a record
  unsigned batch = 100;     ///< lines of one request, via http
  unsigned connections = 4; ///< that reports are sent on, via http
  double seconds = 10;
  bool every = false; ///< watchers ask for each version
  bool storm = false; ///< all connections are closed once and opened again at the same time
};

/// Why the options cannot be meant, naming the one to change; empty if they can.
std::string problem_of(const options& o);

} // namespace jobcast::bench
