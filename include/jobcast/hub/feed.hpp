// The watch on all jobs of one owner. Which jobs those are is not known beforehand, so a feed makes topics as their
// events come, and lets them go once they are final and everyone has them.
#pragma once

#include "jobcast/hub/topic_table.hpp"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace jobcast::hub {

struct feed;

/// A link that a feed made for one of its members; owned by the member's list.
struct feed_link : link {
  auto_hook in_links;
};

/// One watcher's interest in a feed. Lives in its owner; hub::close_feed() before it is destroyed.
class feed_member {
 public:
  feed_member() = default;
  ~feed_member();
  feed_member(const feed_member&) = delete;
  feed_member& operator=(const feed_member&) = delete;

  /// As with link::want_every. Before opening only.
  void want_every() { every_ = true; }
  bool attached() const { return feed_ != nullptr; }

 private:
  friend class hub;
  friend struct feed;
  void follow(topic& t, told what = told::nothing);
  bool follows(const topic& t) const;
  void unfollow_all();

  feed* feed_ = nullptr;
  watcher* watcher_ = nullptr;
  std::int64_t since_ = 0;
  std::uint64_t ticket_ = 0; ///< of the list awaited; 0: none
  bool listed_ = false;      ///< the first snapshot was given
  bool list_failed_ = false;
  bool every_ = false;
  intrusive::list<feed_link, intrusive::member_hook<feed_link, auto_hook, &feed_link::in_links>,
                  intrusive::constant_time_size<false>>
      links_;

 public:
  auto_hook in_feed;
};

struct feed {
  explicit feed(std::string_view of)
      : scope(of) {}

  /// Finds or makes the topic; a new one is followed by all members.
  topic& topic_of(std::string_view job);
  /// The same for a job found by a list that `by` asked for. Unless the list repairs a gap for everyone, the others,
  /// who had their snapshot, follow the topic without being told what they were told before.
  topic& admit(feed_member& by, std::string_view job);
  /// Returns true if watchers were told of a job whose topic was let go since.
  bool remembers(std::string_view job) const;
  /// The subscription was lost, and Redis may have lost writes: whatever is read next is taken, with a reset if its
  /// version is no higher than what watchers have.
  void forget_freshness();
  /// Lets go of settled topics, the oldest first beyond `most`. A topic with something unsent stays.
  void prune(std::size_t most);
  /// Watchers with more jobs unsent than `most`, or more bytes of their records.
  std::vector<watcher*> far_behind(std::size_t most, std::size_t bytes) const;

  /// Topics that were let go, by the hash of their id, as far as watchers were told of them. Without, a job that is
  /// made anew under its id would come with a lower version than watchers have, and be taken for old news.
  struct let_go {
    std::uint64_t version;
    std::int64_t updated_at;
    bool doubted; ///< as topic::doubted
  };

  std::string scope;
  topic::state at = topic::state::subscribing;
  std::int64_t idle_since = 0; ///< while it has no members
  topic_table topics;
  intrusive::list<feed_member, intrusive::member_hook<feed_member, auto_hook, &feed_member::in_feed>,
                  intrusive::constant_time_size<false>>
      members;

 private:
  topic& add(std::string_view job);
  void remember(const topic& t, std::size_t most);

  std::unordered_map<std::size_t, let_go> let_go_;
  bool forgot_ = false; ///< there were too many of them: any job may be one
};

} // namespace jobcast::hub
