// The records that the load publishes: they carry when they were published, and are found again in whatever a server
// wraps them in. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobcast::bench {

/// What of a record the load goes by.
struct mark {
  std::uint32_t job = 0;
  std::uint64_t version = 0;
  std::int64_t sent_at = 0; ///< steady nanoseconds; 0: not published by this load
};

class record_format {
 public:
  /// Jobs are called `<prefix><number>`. Records made here have `size` bytes, or what they need at least.
  record_format(std::string prefix, std::size_t size);

  std::string job(std::uint32_t number) const { return prefix_ + std::to_string(number); }
  /// The text that carries the time through a report's message.
  static std::string stamp(std::int64_t now);

  /// A whole record, as the functions would have stored it.
  void append(std::string& out, const mark& m) const;

  /// Finds the record in a message; nullopt if there is none of this load's jobs.
  std::optional<mark> find(std::string_view message) const;

 private:
  std::string prefix_, id_text_;
  std::size_t size_;
};

} // namespace jobcast::bench
