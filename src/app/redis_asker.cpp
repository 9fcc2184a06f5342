#include "redis_asker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <ctime>
#include <fmt/chrono.h>
#include <ostream>

namespace jobcast::app {

namespace {

using namespace std::chrono_literals;

constexpr auto answer_time = 5s;

} // namespace

std::optional<redis::address> address_to_ask(const settings& config, std::ostream& errors) {
  if (!config.redis.url.empty())
    return *redis::parse_url(config.redis.url); // judged when the configuration was read
  redis::address where;
  where.port = config.redis.embedded_port;
  if (where.port == 0) {
    errors << "jobcast: set redis.embedded_port, so that the private redis-server can be asked\n";
    return std::nullopt;
  }
  return where;
}

redis_asker::redis_asker(redis::address where)
    : client_(io_.get_executor(), std::move(where)) {
  client_.start();
}

redis::reply_ptr redis_asker::ask(std::vector<std::string> what) {
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

std::string utc_text(std::int64_t ms) {
  auto const seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", utc);
}

} // namespace jobcast::app
