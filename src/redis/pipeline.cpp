#include "jobcast/redis/pipeline.hpp"

#include "jobcast/base/survive.hpp"

#include <utility>

namespace jobcast::redis {

bool pipeline::complete(reply_ptr reply) {
  if (written_ == 0)
    return false;
  command oldest = std::move(waiting_.front());
  waiting_.pop_front();
  --written_;
  reply_view view = reply.get();
  if (oldest.keep)
    *oldest.keep = std::move(reply);
  // Those behind it are to have theirs, whatever it throws.
  if (oldest.done)
    survive([&] { oldest.done({}, view); });
  return true;
}

void pipeline::fail(error_code written, error_code unwritten) {
  auto failed = std::exchange(waiting_, {});
  auto were_written = std::exchange(written_, 0);
  for (std::size_t i = 0; i < failed.size(); ++i)
    if (failed[i].done)
      survive([&] { failed[i].done(i < were_written ? written : unwritten, {}); });
}

} // namespace jobcast::redis
