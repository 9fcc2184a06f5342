// `jobcast notify`: the notifier's dead letters, straight from Redis, so that it works beside any gateway or none.
#include "jobcast/app/cli.hpp"
#include "jobcast/base/asio.hpp"
#include "jobcast/notify/webhook.hpp"
#include "jobcast/redis/client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <ctime>
#include <fmt/chrono.h>
#include <optional>
#include <ostream>

namespace jobcast::app {

namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;

constexpr auto answer_time = 5s;
constexpr std::int64_t page = 1000;

/// One question after the other; an answer is nothing after `answer_time`, and `failure` says why.
class asker {
 public:
  explicit asker(redis::address where)
      : client_(io_.get_executor(), std::move(where)) {
    client_.start();
  }

  redis::reply_ptr ask(words what) {
    auto const until = std::chrono::steady_clock::now() + answer_time;
    while (!client_.connected() && client_.last_failure().empty() && std::chrono::steady_clock::now() < until)
      io_.run_one_until(until);
    if (!client_.connected()) {
      failure = client_.last_failure().empty() ? "no answer" : client_.last_failure();
      return nullptr;
    }
    auto answered = std::make_shared<std::optional<redis::client::answer>>();
    asio::co_spawn(io_, client_.call(std::move(what)),
                   [answered](std::exception_ptr, redis::client::answer a) { *answered = std::move(a); });
    while (!*answered && std::chrono::steady_clock::now() < until)
      io_.run_one_until(until);
    if (!*answered || (*answered)->ec || (*answered)->reply().is_error()) {
      failure = !*answered        ? "no answer"
                : (*answered)->ec ? (*answered)->ec.message()
                                  : std::string((*answered)->reply().text());
      return nullptr;
    }
    return std::move((*answered)->owned);
  }

  std::string failure;

 private:
  asio::io_context io_{1};
  redis::client client_;
};

std::string when(std::int64_t ms) {
  auto const seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc);
}

/// Texts come from jobs and from receivers: none may move the cursor of a terminal or make a line of its own.
std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    auto const next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (c < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else if (c == 0xc2 && next >= 0x80 && next < 0xa0) // U+0080 to U+009F
      out += fmt::format("\\u{:04x}", (++i, next));
    else
      out += text[i];
  }
  return out;
}

bool list(asker& redis, const std::string& ns, std::ostream& out) {
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
      out << fmt::format("{}\t{}\t{} {}\t{}\t{}\n", printable(row[0].text()), when(row[1].integer()), row[2].integer(),
                         row[2].integer() == 1 ? "try" : "tries",
                         printable(to.find("://") == std::string_view::npos ? std::string(to) : notify::loggable(to)),
                         printable(row[4].text()));
    }
  }
  return true;
}

/// All of them a batch at a time, so that Redis is never busy for long.
bool act(asker& redis, const std::string& ns, std::string_view function, const words& ids, std::ostream& out) {
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
  redis::address where;
  if (config.redis.url.empty()) {
    where.port = config.redis.embedded_port;
    if (where.port == 0) {
      errors << "jobcast: set redis.embedded_port, so that the private redis-server can be asked\n";
      return 2;
    }
  } else {
    where = *redis::parse_url(config.redis.url); // judged when the configuration was read
  }
  asker redis(where);
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
