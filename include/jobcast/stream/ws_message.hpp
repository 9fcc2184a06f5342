// What a client says over WebSocket, read from its JSON. Pure.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jobcast::stream {

enum class ws_op : std::uint8_t { watch, unwatch, cancel, retry, seen, auth, ping };

struct ws_message {
  ws_op op = ws_op::ping;
  std::string echo;              ///< the `id` member as JSON, to be echoed; empty if there was none
  std::vector<std::string> jobs; ///< of watch and unwatch, each once, sorted
  std::vector<std::pair<std::string, std::uint64_t>> versions; ///< of watch, sorted by id
  std::string job;                                             ///< of cancel, retry, seen
  std::uint64_t attempt = 0;                                   ///< of seen: whose outcome it was; 0: not said
  std::string token;                                           ///< of auth
  std::string owner;                                           ///< of watch and unwatch, instead of jobs
  std::string tenant;
  bool every = false;

  /// The version of the job that the client has; 0: none.
  std::uint64_t version_of(std::string_view of) const;
};

struct ws_problem {
  std::string echo;
  std::string field, detail;
};

/// `most_jobs`: how many jobs one message may name.
boost::system::result<ws_message, ws_problem> read_ws_message(std::string_view json, std::size_t most_jobs);

} // namespace jobcast::stream
