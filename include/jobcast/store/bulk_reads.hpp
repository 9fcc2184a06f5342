// Reads of many records: lists, inboxes, snapshots for streams, records by their ids.
//
// The problem: one such read keeps Redis busy for as long as hundreds of reports, its reply holds up whatever comes
// behind it on the connection, and anybody may ask for the next before the last is answered. So these reads have a
// connection of their own, on which
// - a large one is under way alone, so that Redis looks after everybody else between two of them,
// - one that is asked for again before it is sent is made once,
// - one that nobody waits for any more is not made,
// - addresses take turns, and one that has read more than its limits.request_rate waits or is refused.
//
// Decides only; the caller sends.
#pragma once

#include "jobcast/net/admission.hpp"
#include "jobcast/redis/client.hpp"

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace jobcast::store {

/// One per reactor, on its thread. Handlers are never called from inside ask().
class bulk_reads {
 public:
  using clock = std::chrono::steady_clock;
  using call = std::vector<std::string>;

  struct outcome {
    error_code ec;
    redis::reply_view reply; ///< valid during the handler; nil if `ec` is set or the read was refused
    unsigned wait_s = 0;     ///< refused: the address may read again after so many seconds
  };
  using handler = std::function<void(const outcome&)>;

  enum class manners {
    refused, ///< is told when its address has read too much
    patient, ///< waits for its turn, however long that is
  };
  struct asker {
    net::admission::payer payer;
    manners when_in_debt = manners::refused;
    handler done;
  };
  /// Names who waits for a read; never 0.
  using ticket = std::uint64_t;

  /// How it reaches the outside. Neither calls back from inside itself.
  struct means {
    std::function<void(const call&, redis::client::handler)> send; ///< makes a call to Redis
    std::function<void(std::function<void()>)> post;
    std::function<clock::time_point()> now = [] { return clock::now(); };
  };
  explicit bulk_reads(means by)
      : by_(std::move(by)) {}
  ~bulk_reads() { *alive_ = false; }
  bulk_reads(const bulk_reads&) = delete;
  bulk_reads& operator=(const bulk_reads&) = delete;

  /// Has `what` read: a call of a function whose reply begins with its cost, or with cursor and cost
  /// (docs/functions.md).
  ticket ask(call what, asker who);
  /// Whoever holds the ticket waits no more: the handler is not called. A read that is under way is paid for all the
  /// same.
  void drop(ticket t);
  /// The same for a read that is not under way yet. Returns true if it was dropped.
  bool drop_unsent(ticket t);
  /// Sends what may go now. Call now and then: patient askers wait for time to pass.
  void go_on();

  /// Reads that are queued.
  std::size_t waiting() const { return queued_.size(); }

  /// What a read of this cost takes from the request rate, beside the request itself.
  static double price(std::int64_t looks);

 private:
  struct waiter {
    ticket id;
    asker who;
  };
  struct read {
    call what;
    std::deque<waiter> waiters;
    bool sent = false;
  };
  using read_ptr = std::shared_ptr<read>;
  /// The reads of one address.
  struct group {
    std::string payer;
    std::deque<read_ptr> reads;
  };

  void enqueue(const std::string& payer, read_ptr r);
  read_ptr next();
  bool may_go(read& r);
  void take_first(std::list<group>::iterator of);
  void send(read_ptr r);
  void on_reply(read& r, error_code ec, redis::reply_view reply);

  means by_;
  std::list<group> turns_; ///< the first is next
  std::unordered_map<std::string, std::list<group>::iterator> groups_;
  std::unordered_map<std::string, read_ptr> queued_; ///< by their calls
  std::unordered_map<ticket, read_ptr> tickets_;
  ticket last_ticket_ = 0;
  std::size_t under_way_ = 0;
  std::size_t at_once_ = 1; ///< reads that may be under way
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace jobcast::store
