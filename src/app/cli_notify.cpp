// `jobcast notify`: the notifier's dead letters, straight from Redis, so that it works beside any gateway or none.
#include "jobcast/app/cli.hpp"
#include "jobcast/base/printable.hpp"
#include "jobcast/notify/webhook.hpp"
#include "redis_asker.hpp"

#include <fmt/format.h>
#include <optional>
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
/// Returns how many there were; nothing if Redis cannot be asked.
std::optional<std::int64_t> act(redis_asker& redis, const std::string& ns, std::string_view function, const words& ids,
                                std::ostream& out) {
  std::int64_t done = 0;
  for (std::int64_t batch = -1; batch != 0;) {
    words what{"FCALL", std::string(function), "1", ns};
    if (ids.empty())
      what.emplace_back("*");
    what.insert(what.end(), ids.begin(), ids.end());
    auto const owned = redis.ask(std::move(what));
    if (!owned)
      return std::nullopt;
    batch = redis::reply_view(owned.get()).integer();
    done += batch;
    if (!ids.empty())
      break;
  }
  out << done << (function == "jobcast_notify_replay" ? " to be sent again\n" : " dropped\n");
  return done;
}

} // namespace

int notify(const settings& config, notify_action what, const std::vector<std::string>& ids, std::ostream& out,
           std::ostream& errors) {
  auto const where = address_to_ask(config, errors);
  if (!where)
    return 2;
  redis_asker redis(*where);
  auto const unreachable = [&] {
    errors << "jobcast: redis: " << redis.failure << "\n";
    return 1;
  };
  if (what == notify_action::list)
    return list(redis, config.redis.ns, out) ? 0 : unreachable();
  auto const done = act(redis, config.redis.ns,
                        what == notify_action::replay ? "jobcast_notify_replay" : "jobcast_notify_drop", ids, out);
  if (!done)
    return unreachable();
  if (*done < static_cast<std::int64_t>(ids.size())) {
    errors << "jobcast: some of these are no dead letters; `jobcast notify list` names those that are\n";
    return 1;
  }
  return 0;
}

} // namespace jobcast::app
