// The notifier's functions in Redis as words to send and answers read (docs/functions.md, "Notifier"). No I/O.
#pragma once

#include "jobcast/base/settings.hpp"
#include "jobcast/notify/verdict.hpp"
#include "jobcast/notify/webhook.hpp"
#include "jobcast/redis/reply.hpp"

#include <map>
#include <string>
#include <vector>

namespace jobcast::notify {

using words = std::vector<std::string>;

/// Channels, and how many tries run on each now.
using load = std::map<std::string, unsigned>;

struct claimed {
  struct channel {
    std::string name;
    unsigned seen = 0, buried = 0; ///< not told since seen; dead before a try
    std::vector<delivery> deliveries;
    bool full = false; ///< as many as there was room for: there may be more
  };
  std::vector<channel> channels;
  std::int64_t wait_ms = -1; ///< until the next is due; -1: none is
};

/// Claims due deliveries of every channel that has room. A claim lapses after a little more than twice the timeout.
words poll_call(std::string_view ns, const notify_settings& config, const load& running);
claimed read_poll(redis::reply_view reply);

/// Records what became of a claim. `pause` goes with a verdict of retry.
words settle_call(std::string_view ns, const delivery& d, const verdict& v, milliseconds pause,
                  const notify_settings& config);

/// `hook.<name>`
std::string hook_channel(std::string_view name);
/// The webhook of the config that a channel stands for, or null.
const webhook_settings* hook_of(std::string_view channel, const notify_settings& config);

} // namespace jobcast::notify
