// `jobcast notify`: the notifier's dead letters, straight from Redis, so that it works beside any gateway or none.
#include "jobcast/app/cli.hpp"
#include "jobcast/base/printable.hpp"
#include "jobcast/notify/webhook.hpp"
#include "redis_asker.hpp"

#include <fmt/format.h>
#include <ostream>

namespace jobcast::app {

namespace {

using words = std::vector<std::string>;

constexpr std::int64_t page = 1000;

bool list(redis_asker& redis, const std::string& ns, std::ostream& out) {
  for (std::int64_t first = 0, dead = 1; first < dead; first += page) {
    auto const owned =
        redis.ask({"FCALL", "jobcast_notify_list", "1", ns, std::to_string(first), std::to_string(page)});
    if (!owned)
      return false;
    redis::reply_view const reply = owned.get();
    dead = reply[1].integer();
    if (first == 0)
      out << fmt::format("{} waiting, {} dead\n", reply[0].integer(), dead);
    for (std::size_t i = 0; i < reply[2].size(); ++i) {
      redis::reply_view const row = reply[2][i];
      std::string_view const to = row[3].text();
      out << fmt::format("{}\t{}\t{} {}\t{}\t{}\n", printable(row[0].text()), utc_text(row[1].integer()),
                         row[2].integer(), row[2].integer() == 1 ? "try" : "tries",
                         printable(to.find("://") == std::string_view::npos ? std::string(to) : notify::loggable(to)),
                         printable(row[4].text()));
    }
  }
  return true;
}

/// All of them a batch at a time, so that Redis is never busy for long.
bool act(redis_asker& redis, const std::string& ns, std::string_view function, const words& ids, std::ostream& out) {
  std::int64_t done = 0;
  for (std::int64_t batch = -1; batch != 0;) {
    words what{"FCALL", std::string(function), "1", ns};
    if (ids.empty())
      what.emplace_back("*");
    what.insert(what.end(), ids.begin(), ids.end());
    auto const owned = redis.ask(std::move(what));
    if (!owned)
      return false;
    batch = redis::reply_view(owned.get()).integer();
    done += batch;
    if (!ids.empty())
      break;
  }
  out << done << (function == "jobcast_notify_replay" ? " to be sent again\n" : " dropped\n");
  return true;
}

} // namespace

int notify(const settings& config, notify_action what, const std::vector<std::string>& ids, std::ostream& out,
           std::ostream& errors) {
  auto const where = address_to_ask(config, errors);
  if (!where)
    return 2;
  redis_asker redis(*where);
  bool const fine =
      what == notify_action::list
          ? list(redis, config.redis.ns, out)
          : act(redis, config.redis.ns, what == notify_action::replay ? "jobcast_notify_replay" : "jobcast_notify_drop",
                ids, out);
  if (!fine)
    errors << "jobcast: redis: " << redis.failure << "\n";
  return fine ? 0 : 1;
}

} // namespace jobcast::app
