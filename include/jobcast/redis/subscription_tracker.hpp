// What should be subscribed, what the server was told, and what it has acknowledged. No I/O.
//
// The wishes change faster than the server answers: a channel may be unsubscribed and subscribed again with three
// answers under way. Messages of the first subscription must not pass for those of the last, nor may its
// acknowledgement: between the two nothing is received, so whoever read the truth after it would miss what came then.
// So a name is live from the acknowledgement of its *last* SUBSCRIBE until unsubscribe() is called, and only then are
// its messages handed out.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jobcast::redis {

class subscription_tracker {
 public:
  enum class kind { channel, pattern };

  /// Both are idempotent. True: there may be something to send now.
  bool subscribe(kind what, std::string_view name);
  bool unsubscribe(kind what, std::string_view name);

  /// A new connection knows of nothing: everything wanted is to be sent.
  void connection_up();
  /// Nothing is live, nothing is awaited, and nothing can be sent.
  void connection_lost();

  /// Names in one command.
  static constexpr std::size_t batch = 500;
  /// Fills in the next command to send; false when there is none. Views are valid until the next call of any member.
  bool next_command(std::vector<std::string_view>& arguments);

  /// The server acknowledged one name. True: the name is live from now on.
  bool on_subscribed(kind what, std::string_view name);
  void on_unsubscribed(kind what, std::string_view name);

  /// Whether messages of `name` are to be handed out.
  bool live(kind what, std::string_view name) const;

  /// Acknowledgements that the server owes.
  std::size_t awaited() const { return awaited_; }

 private:
  // One for each job that is watched, so it is small.
  struct state {
    bool wanted : 1 = false;
    bool live : 1 = false;
    bool told : 1 = false; ///< the last command sent was SUBSCRIBE
    bool subscribe_queued : 1 = false, unsubscribe_queued : 1 = false;
    unsigned awaited : 27 = 0;

    bool forgettable() const { return !wanted && !told && !subscribe_queued && !unsubscribe_queued && awaited == 0; }
  };
  struct hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using map = std::unordered_map<std::string, state, hash, std::equal_to<>>;
  struct names {
    std::string_view subscribe_verb, unsubscribe_verb;
    map all;
    std::deque<map::pointer> to_subscribe, to_unsubscribe;
  };

  names& of(kind what) { return what == kind::channel ? channels_ : patterns_; }
  const names& of(kind what) const { return what == kind::channel ? channels_ : patterns_; }
  map::iterator acknowledge(names& group, std::string_view name);
  void take_subscriptions(names& group, std::vector<std::string_view>& arguments);
  void take_unsubscriptions(names& group, std::vector<std::string_view>& arguments);

  names channels_{"SUBSCRIBE", "UNSUBSCRIBE", {}, {}, {}};
  names patterns_{"PSUBSCRIBE", "PUNSUBSCRIBE", {}, {}, {}};
  bool connected_ = false;
  std::size_t awaited_ = 0;
};

} // namespace jobcast::redis
