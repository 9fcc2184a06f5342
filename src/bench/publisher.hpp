// The side of the load that reports on jobs.
#pragma once

#include "ledger.hpp"
#include "marked_record.hpp"
#include "peer.hpp"
#include "poller.hpp"
#include "target.hpp"

#include "jobcast/bench/options.hpp"

#include <memory>

namespace jobcast::bench {

class publisher {
 public:
  virtual ~publisher() = default;

  /// Stores a record for each job, if the way of publishing needs some.
  virtual void prepare() = 0;
  /// Takes them away again.
  virtual void clean_up() = 0;
  /// Queues one report on a job.
  virtual void publish(std::uint32_t job) = 0;
  /// Sends what is queued, as far as the sockets take it.
  virtual void send() = 0;
  /// Reports that are not answered yet.
  virtual std::size_t unanswered() const = 0;
};

/// What publishers share. Lives longer than they do.
struct publishing {
  poller& loop;
  const options& asked;
  const peer& to;
  const record_format& format;
  ledger& account;
};

/// Throws std::runtime_error if Redis cannot be reached.
std::unique_ptr<publisher> make_redis_publisher(const publishing& with);
/// To the server itself.
std::unique_ptr<publisher> make_http_publisher(const publishing& with, const target& where);

/// Waits until everything sent is answered. Throws std::runtime_error if that takes too long.
void await_answers(poller& loop, publisher& p);

} // namespace jobcast::bench
