// What to do once a try is over: it arrived, try again and when, or give up. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jobcast::notify {

using std::chrono::milliseconds;

/// What came of one try.
struct answer {
  bool arrived = false; ///< the exchange was completed; else `error` says what went wrong
  long status = 0;      ///< the last status heard, of HTTP or SMTP; 0: none
  std::string error{};
  std::string retry_after{}; ///< the header's value
  bool forbidden = false;    ///< the address was refused by the rules; nothing was sent
};

struct verdict {
  enum class kind {
    sent,
    retry,
    dead,    ///< trying again is no use
    disable, ///< dead, and the endpoint asks to be left alone: 410 Gone
  };
  kind what = kind::sent;
  std::string why;                        ///< of all but sent: one sentence for the operator, without secrets
  std::optional<milliseconds> not_before; ///< of retry: as the receiver asked
};

/// 2xx is sent, 410 disables, everything else is tried again: a receiver that is being deployed may answer anything.
/// `now` is in milliseconds since the epoch, for a Retry-After that is a date.
verdict judge_webhook(const answer& a, std::int64_t now);

/// A refusal of the message or its recipient (5xx) is final; of our login is not, since that is the configuration's
/// fault.
verdict judge_email(const answer& a);

/// `Retry-After` (RFC 9110 section 10.2.3), seconds or a date, at most a day.
std::optional<milliseconds> parse_retry_after(std::string_view text, std::int64_t now);

/// The pause after the `tries`-th failed try (from 1): the schedule's, stretched by up to a fifth so that what failed
/// together does not come back together, and not before `not_before`. Nothing: the schedule is used up.
std::optional<milliseconds> pause_after(unsigned tries, std::span<const milliseconds> schedule,
                                        std::optional<milliseconds> not_before, std::uint32_t random);

} // namespace jobcast::notify
