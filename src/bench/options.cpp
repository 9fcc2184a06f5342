#include "jobcast/bench/options.hpp"

namespace jobcast::bench {

namespace {

constexpr unsigned most_watchers = 1'000'000;
constexpr double longest = 3'600;

} // namespace

std::string problem_of(const options& o) {
  if (o.watchers > most_watchers || o.jobs > most_watchers)
    return "--watchers and --jobs may be up to 1000000";
  if (o.watchers == 0 && o.jobs == 0)
    return "--jobs must be at least 1 where there are no watchers";
  if (o.jobs > o.watchers && o.watchers > 0)
    return "--jobs may not be more than --watchers: nobody would see what the rest report";
  if (o.watchers > 0 && o.jobs > 0 && o.watchers % o.jobs != 0)
    return "--watchers must be a multiple of --jobs, so that each job has as many";
  if (o.seconds < 0 || o.seconds > longest)
    return "--seconds must be between 0 (open and close only) and 3600";
  if (o.window == 0 || o.opening == 0 || o.batch == 0 || o.connections == 0)
    return "--window, --opening, --batch and --connections must be at least 1";
  if (o.sources > 200)
    return "--sources may be up to 200";
  if (o.over == transport::long_poll && o.every)
    return "--every is not for long polls: they answer with the newest record";
  if (o.over == transport::long_poll && o.via == way::event)
    return "--via event does not change what is stored, which long polls read; use fcall, publish or http";
  if (!o.peer.empty() && o.over == transport::long_poll)
    return "--peer is for event streams and WebSocket";
  if (!o.peer.empty() && (o.via == way::fcall || o.via == way::publish))
    return "--peer goes with --via event or http";
  return {};
}

} // namespace jobcast::bench
