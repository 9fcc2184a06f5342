// The hub of one reactor: from what Redis publishes to watchers with something to send. Does no I/O of its own.
//
// A gap in pub/sub must never be a gap on screen: a topic is read only after its subscription was acknowledged, and
// again after every reconnect; what is published meanwhile and what was read are told apart by version.
#pragma once

#include "jobcast/base/settings.hpp"
#include "jobcast/hub/feed.hpp"
#include "jobcast/hub/watch.hpp"
#include "jobcast/metrics/counters.hpp"
#include "jobcast/net/admission.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jobcast::hub {

/// A record to be read, and whom that is charged to.
struct record_read {
  std::string id;
  net::admission::payer payer{};
};

/// What the hub needs done. Every call returns at once; the answers come back through the hub's members.
class backend {
 public:
  virtual void subscribe(std::string_view channel) = 0;
  virtual void unsubscribe(std::string_view channel) = 0;
  /// Answered by on_record or on_absent for each of them, or by on_read_failed. One that hub::wants() no more need not
  /// be answered.
  virtual void read(std::vector<record_read> records) = 0;
  /// Answered by on_listed or on_list_failed with the same ticket.
  virtual void list(const std::string& scope, std::int64_t since, std::uint64_t ticket,
                    const net::admission::payer& payer) = 0;
  /// Nobody waits for that list any more; it may be answered all the same.
  virtual void drop_list(std::uint64_t ticket) = 0;
  /// Have hub::flush() called before the loop sleeps again.
  virtual void schedule_flush() = 0;

 protected:
  ~backend() = default;
};

struct listed_record {
  std::string_view id;
  std::uint64_t version;
  bool final;
  std::string_view record;
};

/// One per reactor, called on its thread only. Watchers and links must be gone, or the reactor stopped, before it is
/// destroyed.
class hub {
 public:
  hub(backend& back, const limit_settings& limits, std::string_view ns, metrics::counters& counters);
  ~hub();
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;

  /// Begins to watch: `l` gets what is known at once, and everything after. `job` is a valid id. `payer`: whom a read
  /// of its record is charged to.
  void open(watcher& w, link& l, std::string_view job, const net::admission::payer& payer = {});
  /// Ends it. The topic lingers a while, so that a reload costs Redis nothing.
  void close(link& l);
  /// The link's watcher has other credentials: what it may not see any more is `missing`, what it now may appears.
  void judge_again(link& l);
  /// Watches all jobs of a scope. `since`: final jobs updated before it are not news to this watcher (0: send the
  /// newest). `payer`: whom the first list is charged to.
  void open_feed(watcher& w, feed_member& member, std::string_view scope, std::int64_t since,
                 net::admission::payer payer = {});
  void close_feed(feed_member& member);
  /// Makes `w` known, for `gateway` notices. Before open().
  void enlist(watcher& w);

  // From the subscription connection.
  void on_subscribed(std::string_view channel);
  /// What comes of a channel before its on_subscribed() is of an earlier subscription, and ignored.
  void on_message(std::string_view channel, std::string_view payload);
  /// The subscription connection was lost: nothing that is known is sure to be still true.
  /// `at`: Redis' time.
  void on_lost(std::int64_t at);
  /// Whether Redis can be both heard and asked. Tells every watcher of a change.
  void set_available(bool now);

  // From reads.
  void on_record(std::string_view id, std::uint64_t version, bool final, std::string_view record);
  void on_absent(std::string_view id);
  /// Whether anybody still waits for a record that is to be read. If not, it is read when somebody opens it again.
  bool wants(std::string_view id);
  void on_read_failed(std::span<const std::string> ids);
  void on_listed(std::uint64_t ticket, std::span<const listed_record> records, std::string_view cursor);
  void on_list_failed(std::uint64_t ticket);
  /// The command connection works again: ask again for what could not be read.
  void retry_reads();

  /// Sends what is due: reads in batches, then every dirty watcher once. Call at the end of a turn.
  void flush();
  /// Lets go of what nobody has watched for limits.linger. Call now and then; `now_steady_ms` never goes back.
  void tick(std::int64_t now_steady_ms);
  /// Tells every enlisted watcher.
  void notify_all(const event_ptr& notice);
  /// Ends every enlisted watcher; `last_word` is asked for each, so that each can be told its own time to come back.
  template <class LastWord>
  void finish_all(LastWord last_word) {
    for (auto at = all_.begin(); at != all_.end();)
      (at++)->finish(last_word());
  }
  void abort_all();

  /// Ends every watcher of which `good` says no.
  template <class Good>
  void expire_unless(Good good) {
    for (auto at = all_.begin(); at != all_.end();)
      if (watcher& w = *at++; !good(w.who().get()))
        w.expire();
  }

  /// Of ids whose records vanished, and nobody knows whose they were: watchers of owners hear of it here. To be
  /// subscribed to all the time.
  const std::string& gone_channel() const { return gone_channel_; }
  std::string event_channel(std::string_view job) const { return event_prefix_ + std::string(job); }

 private:
  friend class link;
  friend class watcher;

  struct text_hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  template <class T>
  using table = std::unordered_map<std::string, T, text_hash, std::equal_to<>>;

  void mark_dirty(watcher& w);
  void count_gap() { counters_.gaps.add(); }
  void on_job_message(topic& t, std::string_view payload);
  void on_feed_message(feed& f, std::string_view payload);
  void on_gone(std::string_view job);
  void bound(feed& f);
  feed* find_feed(std::string_view channel);
  void read_soon(topic& t, net::admission::payer payer);
  void schedule_flush();
  void request_list(feed_member& member);
  net::admission::payer forget_list(feed_member& member);
  void reread_rest(feed& f);
  template <class Use>
  void with_reading(std::string_view id, Use use);

  backend& backend_;
  const limit_settings& limits_;
  std::string event_prefix_, feed_prefix_, gone_channel_;
  metrics::counters& counters_;
  bool available_ = false;
  bool flush_scheduled_ = false;
  std::int64_t now_ = 0;     ///< steady, of the last tick
  std::int64_t lost_at_ = 0; ///< Redis' time, when the connection was last lost
  topic_table topics_;
  table<feed> feeds_;
  intrusive::list<topic, intrusive::member_hook<topic, auto_hook, &topic::in_idle>,
                  intrusive::constant_time_size<false>>
      idle_;
  std::vector<record_read> to_read_;
  std::vector<std::string> failed_reads_;
  std::unordered_map<const topic*, net::admission::payer> payers_; ///< of topics that are yet to be subscribed to
  std::unordered_multimap<std::string, std::string>
      feed_reads_; ///< job id to scope, while a feed's topic is read alone
  /// A list that a member waits for, or will ask for when its feed is subscribed to.
  struct awaited_list {
    feed_member* member;
    net::admission::payer payer;
  };
  std::unordered_map<std::uint64_t, awaited_list> tickets_;
  std::uint64_t next_ticket_ = 0;
  spare_backlogs spare_;
  watcher_list dirty_;
  all_watchers all_;
};

} // namespace jobcast::hub
