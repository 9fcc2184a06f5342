// Who watches which job, and what each still has to be told.
//
// The problem: a job may have thousands of watchers, each as fast as its own network. Each must get every outcome and
// the newest state, none may hold more memory than it was promised, and telling them must not allocate. So a topic
// keeps the newest event, a link only says whether its watcher has had it, and what must not be conflated away
// (outcomes, every version for those who ask, resets) waits in a backlog that only links in arrears have.
#pragma once

#include "jobcast/auth/identity.hpp"
#include "jobcast/hub/backlog.hpp"
#include "jobcast/hub/event.hpp"

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set_hook.hpp>
#include <cstddef>
#include <memory>
#include <string>

namespace jobcast::hub {

struct topic;
class watcher;

namespace intrusive = boost::intrusive;
using auto_hook = intrusive::list_member_hook<intrusive::link_mode<intrusive::auto_unlink>>;

/// One watcher's interest in one job. Lives in its owner; unlinks itself from everything when destroyed.
class link {
 public:
  link() = default;
  link(const link&) = delete;
  link& operator=(const link&) = delete;

  ~link() { drop_backlog(); }

  /// Asks for each version instead of the newest, within what the watcher may hold. Before opening only.
  void want_every() { every_ = true; }

  bool attached() const { return topic_ != nullptr; }
  bool watched_by(const watcher& w) const { return watcher_ == &w; }
  const topic* subject() const { return topic_; }

  /// False for a link that a feed made for one of its owner's jobs.
  bool named() const { return !of_feed_; }

  /// True once anything was taken from this link.
  bool started() const { return started_; }

  // What is to be sent, oldest first.
  std::size_t pending() const { return (backlog_ ? backlog_->size() : 0) + (newest_due_ ? 1 : 0); }
  const event_ptr& at(std::size_t i) const;
  /// Drops the oldest, as sent. A link with nothing pending leaves its watcher's list of dirty links.
  void pop();
  /// All of it at once.
  void pop_all();

 private:
  friend struct topic;
  friend class watcher;
  friend class hub;
  friend class feed_member;

  void note_told(const event& e);
  void hold(event_ptr e);
  void drop_backlog();
  void offer(const event_ptr& previous);
  void keep(event_ptr e);
  void judge(bool allowed);
  void hide();
  void mark_dirty();

  topic* topic_ = nullptr;
  watcher* watcher_ = nullptr;
  std::unique_ptr<backlog> backlog_;
  bool every_ = false;
  bool newest_due_ = false;
  bool started_ = false;
  bool of_feed_ = false;
  bool hidden_ = false;       ///< its watcher may not see the job, and was told that there is none
  bool told_missing_ = false; ///< the last it was told

 public:
  auto_hook in_topic, in_dirty;
};

using dirty_links = intrusive::list<link, intrusive::member_hook<link, auto_hook, &link::in_dirty>,
                                    intrusive::constant_time_size<false>>;

/// A live client. The hub calls it on the reactor's thread.
class watcher {
 public:
  /// Once per turn, when links became dirty or notices came: send what can be sent without blocking.
  virtual void flush() = 0;
  /// Something besides records: `gateway`, `more`. To be sent at the next flush, which the hub sees to.
  virtual void notify(event_ptr notice) = 0;
  /// The gateway is draining: say this and end.
  virtual void finish(event_ptr last_word) = 0;
  /// Its credentials were taken back: say so and end.
  virtual void expire() = 0;
  /// The drain took too long, or it is too far behind: end now.
  virtual void abort() = 0;

  dirty_links& dirty() { return dirty_; }

  /// Who watches; null where everyone may see everything.
  const auth::identity_ptr& who() const { return who_; }
  void set_who(auth::identity_ptr who) { who_ = std::move(who); }

 protected:
  watcher() = default;
  ~watcher() = default;

 private:
  friend class link;
  friend class hub;
  dirty_links dirty_;
  void mark_dirty();
  class hub* hub_ = nullptr;
  auth::identity_ptr who_;
  std::size_t held_ = 0; ///< bytes in the backlogs of its links, all together

 public:
  auto_hook in_dirty_watchers, in_all_watchers;
};

using watcher_list = intrusive::list<watcher, intrusive::member_hook<watcher, auto_hook, &watcher::in_dirty_watchers>,
                                     intrusive::constant_time_size<false>>;
using all_watchers = intrusive::list<watcher, intrusive::member_hook<watcher, auto_hook, &watcher::in_all_watchers>,
                                     intrusive::constant_time_size<false>>;

/// What a watcher knows of a topic when it joins: nothing yet, so it gets what is known; or all of it.
enum class told : bool { nothing, already };

/// One job as this reactor knows it. Decides what is news; does no I/O.
struct topic {
  enum class state : std::uint8_t {
    subscribing, ///< waiting for Redis' acknowledgement
    reading,     ///< subscribed, the record not read yet
    live,
    unread, ///< nobody waited for the record when its turn came: it is read for the next who watches
  };

  /// The object and its id are one allocation.
  static topic* make(std::string_view job);
  static void operator delete(void* at) { ::operator delete(at); }
  ~topic();
  topic(const topic&) = delete;
  topic& operator=(const topic&) = delete;

  /// A record came: published, published as made anew (it counts from 1 again), or read. The first to come after
  /// forget_freshness() is taken whatever its version; later ones only if higher. Answers whether it was news.
  /// `assigned`: published, and with it the job got its owner, tenant or type.
  enum class arrival { published, assigned, renewed, read };
  bool accept(arrival how, std::uint64_t version, bool final, std::string_view record);
  /// The job does not exist (any more). Answers whether that was news.
  bool accept_missing();
  /// The subscription was lost or replaced: the next record or absence is taken as it is.
  void forget_freshness() { fresh = false; }

  void attach(link& l, watcher& w, told what = told::nothing);
  /// Decides anew whether the link's watcher may see the job, as when it has other credentials.
  void judge_again(link& l);
  bool watched() const { return !links.empty(); }

  std::string_view id() const { return {reinterpret_cast<const char*>(this + 1), id_size_}; }

  using table_hook = intrusive::unordered_set_member_hook<intrusive::store_hash<true>>;

  // What an update touches comes first, in as few cache lines as may be.
  table_hook in_table;
  std::uint64_t version = 0; ///< of `latest`; 0: missing or not known yet
  event_ptr latest;          ///< null until something is known
  intrusive::list<link, intrusive::member_hook<link, auto_hook, &link::in_topic>, intrusive::constant_time_size<false>>
      links;
  std::uint64_t peak = 0; ///< highest version a watcher may have had since the last reset
  state at = state::subscribing;
  bool fresh = false; ///< something was heard since the subscription in force began
  bool lone = false;  ///< of a feed: followed only by the member whose list found it
  std::uint16_t id_size_;
  std::int64_t idle_since = 0; ///< steady milliseconds, while unwatched
  std::int64_t peak_at = 0;    ///< updated_at of `peak`, where the topic was let go and made again
  bool doubted = false;        ///< Redis may have lost `peak`: the subscription was lost since
  auto_hook in_idle;

 private:
  explicit topic(std::string_view job)
      : id_size_(static_cast<std::uint16_t>(job.size())) {}
  void judge_all(std::string_view record);
  void publish(event_ptr e, bool with_reset);
  void greet_newcomers();
};

} // namespace jobcast::hub
