// Published reports that wait to be applied: what becomes of them when they come faster than Redis applies them.
//
// The problem: PUBLISH asks nobody whether there is room. 400,000 reports in 3 s took 100 MB here, and everything else
// this gateway asked of Redis stood behind them. So what waits is bounded, and progress makes room before outcomes do.
// Decides only; no I/O.
#pragma once

#include "jobcast/store/store.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace jobcast::store {

struct report_queue_limits {
  std::size_t progress = 16 * 1024 * 1024; ///< bytes waiting, beyond which no more progress is taken
  std::size_t all = 32 * 1024 * 1024;      ///< bytes waiting, beyond which nothing more is to be read
};

class report_queue {
 public:
  using limits = report_queue_limits;
  struct report {
    std::string id;
    arguments fields; ///< field, value, ...
  };
  enum class fate {
    waits,
    replaces, ///< waits in the place of older progress of the job, which it says everything of anew
    shed,     ///< is progress, and there is no room for it
  };

  explicit report_queue(const limits& most)
      : most_(most) {}

  fate offer(std::string_view id, arguments fields);
  /// The oldest. Not of an empty queue.
  report take();
  /// Takes back what was taken last, to be the oldest again.
  void put_back(report r);

  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  std::size_t bytes() const { return bytes_; }
  /// Nothing more should be read, until roomy().
  bool full() const { return bytes_ > most_.all; }
  bool roomy() const { return bytes_ <= most_.progress; }
  /// Bytes that a report takes while it waits.
  static std::size_t size_of(const report& r);

 private:
  limits most_;
  std::deque<report> waiting_;
  std::unordered_map<std::string_view, report*> last_; ///< of each job that waits, by the id in it
  std::size_t bytes_ = 0;
};

/// Returns true if a report brings an outcome, which may be applied twice: the second time it is ignored.
bool is_outcome(const arguments& fields);
/// Returns true if a report says how far a job is and nothing else, so that a newer one makes it unnecessary.
bool is_progress(const arguments& fields);

} // namespace jobcast::store
