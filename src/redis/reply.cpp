#include "jobcast/redis/reply.hpp"

#include <charconv>

namespace jobcast::redis {

std::int64_t reply_view::integer() const {
  if (!reply_)
    return 0;
  if (reply_->type == REDIS_REPLY_INTEGER)
    return reply_->integer;
  if (reply_->type != REDIS_REPLY_STRING)
    return 0;
  std::string_view digits = text();
  std::int64_t value = 0;
  auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return failed == std::errc() && end == digits.data() + digits.size() ? value : 0;
}

} // namespace jobcast::redis
