// What the Redis functions publish on `ns:event:<id>` and `ns:feed:<scope>` (docs/functions.md, "Events"). Reading it
// neither allocates nor parses the record: this runs for every update of every watched job. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobcast::job {

/// Letters this version does not know are ignored, so that a newer function library may add some.
struct event_flags {
  bool progress : 1 = false;  ///< `p` mere progress: may be skipped
  bool status : 1 = false;    ///< `s` status changed
  bool final : 1 = false;     ///< `f` done, failed or cancelled: must be delivered
  bool created : 1 = false;   ///< `n` new record, version starts anew
  bool ownership : 1 = false; ///< `o` owner, tenant or type was set
  bool deleted : 1 = false;   ///< `d` the record is gone
  friend bool operator==(const event_flags&, const event_flags&) = default;
};

/// The flags word of an event or of an answer of `jobcast_get`: lower case letters, `-` or nothing for none.
/// nullopt for any other byte.
std::optional<event_flags> parse_flags(std::string_view word);

/// Views point into the message.
struct event {
  std::uint64_t version = 0; ///< 0 when deleted
  event_flags flags;
  std::string_view record; ///< JSON object on one line; `null` when deleted
};

struct feed_event {
  std::string_view id;
  event what;
};

/// `<version> <flags> <record>`. nullopt for anything else, and for a record with a CR or LF in it, which would end
/// the `data:` line of an event stream and forge an event.
std::optional<event> parse_event(std::string_view message);

/// `<id> <version> <flags> <record>`; the same refusals, and an id that is no job id.
std::optional<feed_event> parse_feed(std::string_view message);

/// True if the record may be put on a `data:` line: not empty, no CR, no LF.
bool is_one_line(std::string_view record);

/// Names one state of one record: the `id:` of an event stream and, in quotes, the ETag.
struct event_id {
  std::int64_t updated_at = 0; ///< milliseconds since the epoch; 0 if the record names none
  std::uint64_t version = 0;
  friend bool operator==(const event_id&, const event_id&) = default;
};

/// Reads the fixed beginning `{"id":"...","version":N,"updated_at":T,` without parsing; a record that begins otherwise
/// is searched for the first of each name, and one that is absent is 0.
event_id id_of(std::string_view record);

/// `<updated_at>-<version>`
std::string to_string(const event_id& id);

/// Reads a `Last-Event-ID` or an unquoted ETag; nullopt if it is not exactly `<updated_at>-<version>`.
std::optional<event_id> parse_event_id(std::string_view text);

} // namespace jobcast::job
