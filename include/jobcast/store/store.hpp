// The Redis functions as typed calls (docs/functions.md). Nothing is decided here: Redis holds the truth.
#pragma once

#include "jobcast/base/asio.hpp"
#include "jobcast/redis/client.hpp"

#include <boost/system/result.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jobcast::store {

/// Why a call gave no answer.
struct failure {
  enum class kind {
    unavailable, ///< Redis cannot be reached, or did not answer; the call may have run
    refused,     ///< the function refused an argument: `field`, and in `detail` what to change
    denied,      ///< Redis does not allow the gateway's user what the call needs
    broken,      ///< Redis answered an error that is not the caller's fault
    too_many,    ///< the caller has read more than its rate allows
  };
  kind what = kind::unavailable;
  std::string field, detail;
  unsigned wait_s = 0; ///< of too_many: when to ask again
};

template <class T>
using result = boost::system::result<T, failure>;

/// The id of a record, from its fixed beginning.
std::string_view id_of_record(std::string_view json);

/// A record as it lies in a reply, valid as long as that.
struct record_view {
  std::uint64_t version;
  bool final;
  std::string_view json;
};
/// Of a row [version, flags, json], which begins at `offset` of `reply`.
record_view view_record(redis::reply_view reply, std::size_t offset = 0);

struct record {
  std::uint64_t version = 0;
  bool final = false;
  std::string json;
  std::string_view id() const { return id_of_record(json); }
  /// `<updated_at>-<version>`
  std::string event_id() const;
};

/// The same, copied.
record read_record(redis::reply_view reply, std::size_t offset = 0);

struct report_answer {
  std::string result; ///< "ok" or "ignored:<why>"
  std::uint64_t version = 0;
  bool cancel_requested = false;
};

/// What create and the commands answer: a word, and the record as it is now.
struct command_answer {
  std::string what;
  record now;
};

using arguments = std::vector<std::string>;

/// Bytes of records after which a reply takes no further one: what comes behind it on the connection is not to wait.
inline constexpr std::string_view page_bytes = "524288";

/// One per reactor, on its thread.
class store {
 public:
  store(redis::client& client, std::string ns)
      : client_(client)
      , ns_(std::move(ns)) {}

  const std::string& ns() const { return ns_; }
  redis::client& client() { return client_; }

  /// With a `scope` (job::scope_key), jobs of other owners are as if there were none, and take as long.
  task<result<std::vector<std::optional<record>>>> get(std::vector<std::string> ids, std::string scope = {});
  task<result<report_answer>> report(std::string id, arguments fields);
  task<result<command_answer>> create(std::string id, arguments fields);
  /// `op`: cancel, retry, seen or delete. A job beyond the bounds that are among `fields` is answered `missing`.
  task<result<command_answer>> command(std::string id, std::string op, arguments fields);

  /// The raw call, for many reports in flight at once: `function ns id field value ...`.
  static arguments report_call(std::string_view ns, std::string_view id, const arguments& fields);
  static result<report_answer> read_report(error_code ec, redis::reply_view reply);
  /// Keeps a report that the gateway refused itself, as the function keeps those that it refuses (`ns:refused`).
  static void keep_refused(redis::client& client, std::string_view ns, std::string_view id, std::string_view field,
                           std::string_view reason, redis::client::handler done = {});

 private:
  task<result<redis::reply_ptr>> call(std::string_view function, arguments rest);

  redis::client& client_;
  std::string ns_;
};

/// The failure that an error code or an error reply stands for.
failure failure_of(error_code ec, redis::reply_view reply);

} // namespace jobcast::store
