// What a stream still has to send, in order: bytes of its own (response head), the unsent rest of one event, the dirty
// links of the hub, notices. Decides only; the session does the sending.
//
// Nothing is copied and nothing is taken off a link before it is sent, so what a stalled client can hold is one partial
// event; everything behind it goes on conflating in the hub.
#pragma once

#include "jobcast/hub/watch.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <vector>

namespace jobcast::stream {

class outbox {
 public:
  explicit outbox(hub::encoding as)
      : encoding_(as) {}

  /// Bytes to go out before anything else not yet begun. Appends.
  void prepend(std::string_view bytes);
  /// A notice, to go out after the records that are due. Of `gateway` notices not yet sent only the newest stays.
  void add_notice(hub::event_ptr notice);
  /// Takes back a notice. False if it was sent, or begun, already.
  bool withdraw(const hub::event_ptr& notice);

  /// Fills `out` with up to `most` pieces, oldest first. Answers how many; 0 means nothing is due.
  std::size_t gather(hub::dirty_links& dirty, iovec* out, std::size_t most) const;
  /// The first `bytes` of what gather() gave were sent. Answers how many events were finished by them.
  std::size_t commit(hub::dirty_links& dirty, std::size_t bytes);

  /// Bytes of prepend() that are still to go.
  std::size_t unsent_prefix() const { return extra_ ? extra_->prefix.size() - extra_->prefix_sent : 0; }
  /// Bytes kept for them.
  std::size_t held_prefix() const { return extra_ ? extra_->prefix.size() : 0; }
  bool empty(const hub::dirty_links& dirty) const { return !partial_ && !extra_ && dirty.empty(); }

 private:
  struct extra {
    std::string prefix;
    std::size_t prefix_sent = 0;
    std::vector<hub::event_ptr> notices;
  };
  void drop_empty_extra();

  hub::event_ptr partial_;
  std::uint32_t partial_sent_ = 0;
  hub::encoding encoding_;
  std::unique_ptr<extra> extra_;
};

} // namespace jobcast::stream
