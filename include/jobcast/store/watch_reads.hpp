// Reads of single records for watchers: what streams of named jobs begin with, and what is read again after an outage.
//
// The problem: a client may watch 200 jobs with large results, leave, and come back. So up to a hundred records are
// read in one call, bounded in bytes; one call is under way at a time; addresses take turns and pay for what they have
// read; and a record that nobody waits for any more is not read.
#pragma once

#include "jobcast/store/bulk_reads.hpp"

#include <deque>
#include <functional>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jobcast::store {

/// One per reactor, on its thread.
class watch_reads {
 public:
  struct means {
    std::function<bool(std::string_view id)> wanted; ///< false: nobody waits for it any more
    /// A row of the reply, valid during the call; nil: there is no such job.
    std::function<void(std::string_view id, redis::reply_view row)> got;
    std::function<void(std::span<const std::string> ids)> failed;
    std::function<bulk_reads::clock::time_point()> now = [] { return bulk_reads::clock::now(); };
  };

  watch_reads(bulk_reads& lane, std::string ns, means by)
      : lane_(lane)
      , ns_(std::move(ns))
      , by_(std::move(by)) {}
  watch_reads(const watch_reads&) = delete;
  watch_reads& operator=(const watch_reads&) = delete;

  /// Has the record read in its turn. Call go_on() afterwards.
  void add(std::string id, const net::admission::payer& payer);
  /// Sends what may go now. Call now and then: an address that has read too much waits for time to pass.
  void go_on();

 private:
  /// What one address waits for.
  struct group {
    net::admission::payer payer;
    std::deque<std::string> ids;
  };
  struct item {
    std::string id;
    net::admission::payer payer;
  };
  using batch = std::vector<item>;

  group& group_of(const net::admission::payer& payer);
  batch next();
  void send(batch items);
  void on_reply(const batch& items, const bulk_reads::outcome& o);

  bulk_reads& lane_;
  std::string ns_;
  means by_;
  std::list<group> turns_; ///< the first is next
  std::unordered_map<std::string, std::list<group>::iterator> groups_;
  bool under_way_ = false;
};

} // namespace jobcast::store
