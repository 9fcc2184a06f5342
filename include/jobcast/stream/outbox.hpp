// What a stream still has to send, in order: bytes of its own (response head), the unsent rest of one event, the dirty
// links of the hub, notices. Decides only; the session does the sending.
//
// Nothing is taken off a link before it is sent, so what a stalled client can hold is one partial event; everything
// behind it goes on conflating in the hub.
#pragma once

#include "jobcast/hub/watch.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <tuple>
#include <vector>

namespace jobcast::stream {

/// What one send takes: memory that stays as it is until this, the outbox or the hub is touched. Events that go out
/// together, and the parts of a WebSocket frame, which has a head of its own before bytes that are shared, are put
/// together here: the kernel takes one piece with less ado than several.
///
/// The watchers of a busy job mostly have the very same events due. So a batch keeps what it put together last, and who
/// comes next with the same events is given it as it is: use one batch for all, one after the other.
class batch {
 public:
  batch() = default;
  batch(const batch&) = delete;
  batch& operator=(const batch&) = delete;

  const iovec* pieces() const { return pieces_; }
  std::size_t count() const { return count_; }
  std::size_t bytes() const { return bytes_; }

 private:
  friend class outbox;
  static constexpr std::size_t most = 64, pieces_of_event = 3, room = 16 * 1024;
  static constexpr std::size_t most_around = std::tuple_size_v<hub::head_space> + 1; ///< a record
  // What is around a record of WebSocket must be copied; SSE has nothing of the kind.
  bool full(hub::encoding as) const {
    return count_ + pieces_of_event > most || (as == hub::encoding::websocket && copied_ + most_around > room);
  }
  void put(std::string_view bytes);
  void put_copy(std::string_view bytes);
  void put_shared(std::string_view bytes);
  void put(const hub::event& e, hub::encoding as, std::size_t without = 0);
  std::size_t put_due(const hub::dirty_links& dirty, hub::encoding as);
  void be(const hub::dirty_links& dirty, hub::encoding as);
  bool is(const hub::dirty_links& dirty, hub::encoding as) const;
  void keep(const hub::dirty_links& dirty, hub::encoding as);
  void clear();
  void clear_pieces() { count_ = bytes_ = copied_ = 0; }

  std::size_t count_ = 0, bytes_ = 0, copied_ = 0;
  hub::encoding encoding_ = hub::encoding::sse;
  std::size_t kept_ = 0;                    ///< events that were all that was due, and are one piece; 0: not so
  std::array<hub::event_ptr, most> events_; ///< held, so that no other event can come to have their addresses
  iovec pieces_[most];
  char copies_[room];
};

class outbox {
 public:
  explicit outbox(hub::encoding as)
      : encoding_(as) {}

  /// Bytes to go out before anything else not yet begun. Appends.
  void prepend(std::string_view bytes);
  /// A notice, to go out after the records that are due. Of `gateway` and of `time` only the newest
  /// stays that is not yet sent.
  void add_notice(hub::event_ptr notice);
  /// Takes back a notice. False if it was sent, or begun, already.
  bool withdraw(const hub::event_ptr& notice);
  /// What ends the stream: goes out when nothing else is due, and nothing goes out once it is begun.
  void end_with(hub::event_ptr last);
  /// Takes that back, unless it is begun.
  void withdraw_end();

  /// Has `out` be what is due, oldest first and as much as one send takes.
  void gather(const hub::dirty_links& dirty, batch& out) const;
  /// The first `bytes` of what gather() gave were sent. Answers how many events were finished by them.
  std::size_t commit(hub::dirty_links& dirty, std::size_t bytes);
  /// The same, in fewer steps where all of it was sent: `of` is what gather() filled.
  std::size_t commit(hub::dirty_links& dirty, const batch& of, std::size_t bytes);

  /// Bytes of prepend() that are still to go.
  std::size_t unsent_prefix() const { return extra_ ? extra_->prefix.size() - extra_->prefix_sent : 0; }
  /// Bytes kept for them.
  std::size_t held_prefix() const { return extra_ ? extra_->prefix.size() : 0; }
  bool empty(const hub::dirty_links& dirty) const { return !partial_ && (extra_ ? extra_->over : dirty.empty()); }
  hub::encoding encoded_as() const { return encoding_; }

 private:
  struct extra {
    std::string prefix;
    std::size_t prefix_sent = 0;
    std::vector<hub::event_ptr> notices;
    hub::event_ptr last; ///< kept to the end of the stream
    bool over = false;   ///< `last` is begun
  };
  bool is_last(const hub::event_ptr& e) const { return extra_ && extra_->last == e; }
  void drop_empty_extra();

  hub::event_ptr partial_;
  std::uint32_t partial_sent_ = 0;
  hub::encoding encoding_;
  std::unique_ptr<extra> extra_;
};

} // namespace jobcast::stream
