// One event as all its watchers share it: encoded once, counted by reference, never parsed again.
#pragma once

#include <array>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jobcast::hub {

class event;
using event_ptr = boost::intrusive_ptr<const event>;

/// What a stream can be told (protocol section 4).
enum class event_kind : std::uint8_t { job, missing, reset, gap, more, gateway, reauth, end, time, raw };

/// How an event goes out.
enum class encoding : std::uint8_t {
  sse,         ///< of a body that lasts until the close, for HTTP/1.0
  chunked_sse, ///< as one chunk (RFC 9112, section 7.1)
  websocket,
};

/// The bytes of an event in one encoding, in order. Of WebSocket only what is shared with SSE is kept with the event:
/// to write the head of a frame anew takes no longer than to look it up, and a second copy of each record took a third
/// of the memory of an idle watcher.
struct encoded {
  std::string_view head, body, tail;
  std::size_t size() const { return head.size() + body.size() + tail.size(); }
};

/// Room for the head of any event.
using head_space = std::array<char, 36>;

/// Immutable. The reference count is not atomic: an event lives and dies on one reactor's thread.
/// The object and its bytes are one allocation.
class event {
 public:
  /// A record. `record` is one JSON object on one line.
  static event_ptr job(std::uint64_t version, bool final, std::string_view record);
  static event_ptr missing(std::string_view job);
  static event_ptr reset(std::string_view job);
  static event_ptr gap(std::string_view job, std::uint64_t skipped);
  static event_ptr more(std::string_view cursor);
  /// `state`: ok, degraded, draining, busy. `retry_ms` other than 0 also tells an SSE client when to come back.
  static event_ptr gateway(std::string_view state, unsigned retry_ms = 0);
  /// The credentials end then, milliseconds since the epoch.
  static event_ptr reauth(std::int64_t expires_at);
  /// `job` where the stream carries several.
  static event_ptr end(std::string_view reason, std::string_view job = {});
  /// What time it is, milliseconds since the epoch.
  static event_ptr time(std::int64_t now);
  /// Bytes of one stream's own, ready to be sent as they are.
  static event_ptr raw(std::string_view bytes);

  event_kind kind() const { return kind_; }
  std::uint64_t version() const { return version_; }
  bool final() const { return final_; }
  std::int64_t updated_at() const { return updated_at_; }

  /// The whole Server-Sent Event, blank line included (HTML standard, section 9.2.6). U+0085, U+2028 and U+2029 are
  /// escaped in it, since many clients that read lines take them for the end of one.
  std::string_view sse() const { return {text() + chunk_head_, sse_size_}; }
  /// The same as one chunk.
  std::string_view chunk() const { return {text(), chunk_head_ + sse_size_ + std::size_t(chunk_tail_)}; }
  /// The whole event. Of WebSocket one frame: {"event":name, ...}, a record under "record". Valid as long as `space`,
  /// and the event.
  encoded bytes(encoding as, head_space& space) const;
  std::size_t size(encoding as) const;
  /// The JSON of `data:`, with no character escaped that was not; of a job event, the record.
  std::string_view data() const { return {text() + data_offset_, data_size_}; }
  /// `<updated_at>-<version>`: SSE's id and, in quotes, the ETag.
  std::string id() const;

 private:
  event() = default;
  static constexpr std::string_view end_of_event = "\n\n\r\n"; ///< and of its chunk
  class front;
  static event_ptr make(event_kind kind, front& before, std::string_view data, std::string_view after = end_of_event);
  static event_ptr make(event_kind kind, std::string_view before, std::string_view data,
                        std::string_view after = end_of_event);
  static event_ptr make_chunk(event_kind kind, front& before, std::string_view shown, std::string_view after,
                              std::string_view own);
  static event_ptr assemble(event_kind kind, std::string_view head, std::string_view data, std::string_view tail,
                            std::string_view own);
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }

  friend void intrusive_ptr_add_ref(const event* e) noexcept { ++e->references_; }
  friend void intrusive_ptr_release(const event* e) noexcept;

  std::uint64_t version_ = 0;
  std::int64_t updated_at_ = 0;
  mutable std::uint32_t references_ = 0;
  std::uint32_t sse_size_ = 0;
  std::uint32_t data_offset_ = 0;
  std::uint32_t data_size_ = 0;
  event_kind kind_ = event_kind::job;
  bool final_ = false;
  std::uint8_t chunk_head_ = 0, chunk_tail_ = 0; ///< bytes around the event that make it a chunk
};

} // namespace jobcast::hub
