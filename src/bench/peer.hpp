// What is said to a server to watch a job, and to publish without Redis: jobcast's own ways, or those of another server
// from a file, so that both are measured by the same load. `{job}` in any text stands for the job's id.
#pragma once

#include "jobcast/bench/options.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jobcast::bench {

struct peer {
  std::string name = "jobcast";
  bool snapshots = true; ///< a watch begins with the record; else with what `ready` says
  std::string sse = "/api/jobs/{job}/events";
  std::string websocket = "/api/ws", subprotocol = "jobcast.v1";
  std::vector<std::string> hello{R"({"op":"watch","jobs":["{job}"]})"}; ///< texts sent once the WebSocket is open
  std::string ready;   ///< text in a message that says the watch stands; empty: the response head does
  std::string channel; ///< Redis channel of ready-made events
  std::string event = "{version} p {record}"; ///< what is published there
  std::string post = "/api/reports";          ///< path
  std::string post_type = "application/x-ndjson";
  std::string post_body; ///< with {job} and {record}; empty: NDJSON lines of reports, many a request
};

/// jobcast as `o` wants it watched.
peer jobcast_peer(const options& o);
/// From TOML, members named as in `peer`. Throws std::runtime_error with what to change.
peer read_peer(const std::string& file);

/// `text` with {job}, {version} and {record} put in.
std::string fill(std::string_view text, std::string_view job, std::string_view version = {},
                 std::string_view record = {});

} // namespace jobcast::bench
