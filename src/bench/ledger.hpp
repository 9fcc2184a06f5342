// What was published and what each watcher was given: nothing may be lost, nothing may go back. Pure.
#pragma once

#include <cstdint>
#include <vector>

namespace jobcast::bench {

/// One watcher's account.
struct account {
  std::uint32_t job = 0;
  std::uint64_t version = 0; ///< the newest it has
  bool open = false;         ///< it has its snapshot, or is known to be subscribed
};

class ledger {
 public:
  explicit ledger(std::uint32_t jobs)
      : newest_(jobs, 0)
      , watchers_(jobs, 0) {}

  std::uint32_t jobs() const { return static_cast<std::uint32_t>(newest_.size()); }
  std::uint64_t newest(std::uint32_t job) const { return newest_[job]; }

  /// A change of the job was published, or is about to be; answers its version.
  std::uint64_t publish(std::uint32_t job) {
    ++published_;
    owed_ += watchers_[job];
    return ++newest_[job];
  }
  /// It was not accepted after all.
  void refuse(std::uint32_t job) {
    ++refused_;
    --published_;
    owed_ -= watchers_[job];
    --newest_[job];
  }
  /// A change made before the load proper, which counts for nothing but the job's version.
  void prepare(std::uint32_t job, std::uint64_t version) { newest_[job] = version; }

  /// The watcher stands at this version from now on.
  void open(account& a, std::uint64_t version);
  void close(account& a);

  enum class verdict {
    news, ///< the watcher's next version, perhaps after some that were conflated
    out_of_order,
  };
  /// A watcher that is open was given a version.
  verdict receive(account& a, std::uint64_t version);

  std::uint64_t published() const { return published_; }
  std::uint64_t refused() const { return refused_; }
  std::uint64_t delivered() const { return delivered_; }
  /// Versions that gave way to newer ones.
  std::uint64_t conflated() const { return conflated_; }
  std::uint64_t out_of_order() const { return out_of_order_; }
  /// Deliveries that are still to come.
  std::int64_t outstanding() const {
    return static_cast<std::int64_t>(owed_) - static_cast<std::int64_t>(delivered_ + conflated_);
  }

 private:
  std::vector<std::uint64_t> newest_;
  std::vector<std::uint32_t> watchers_;
  std::uint64_t published_ = 0, refused_ = 0, owed_ = 0, delivered_ = 0, conflated_ = 0, out_of_order_ = 0;
};

} // namespace jobcast::bench
