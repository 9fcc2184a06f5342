#include "jobcast/store/rights_watch.hpp"

#include "jobcast/base/log.hpp"
#include "jobcast/redis/denied.hpp"

#include <algorithm>

namespace jobcast::store {

namespace {

using namespace std::chrono_literals;

// Some sixty calls that run nothing, a tenth of a millisecond of Redis. Who has just added a right wants to see it.
constexpr auto every = 5s, while_missing = 1s;

} // namespace

rights_watch::rights_watch(redis::client& client, const redis::address& where, std::string_view ns,
                           metrics::counters& counters)
    : client_(client)
    , user_(where.user.empty() ? "default" : where.user)
    , rights_(rights_of(ns, where.database))
    , counters_(counters) {}

rights_watch::~rights_watch() {
  *alive_ = false;
}

void rights_watch::tick(clock::time_point now) {
  if (now >= next_)
    check();
}

void rights_watch::check() {
  if (asking_)
    return;
  asking_ = true;
  next_ = clock::now() + every;
  // First whether it may ask at all, so that a user who may not is refused once.
  static const std::string harmless[] = {"PING"};
  ask(harmless, [this](error_code ec, redis::reply_view reply) {
    may_ask_ = !redis::is_denied(reply.text());
    if (!ec && !reply.is_error())
      return ask_all();
    asking_ = false;
    // A Redis that does not know the command leaves the rights unknown.
    if (!ec)
      counters_.redis_rights_known.set(1);
    if (!may_ask_)
      conclude({});
  });
}

void rights_watch::ask(std::span<const std::string> call, redis::client::handler done) {
  std::vector<std::string_view> words{"ACL", "DRYRUN", user_};
  words.insert(words.end(), call.begin(), call.end());
  client_.call(words, [alive = alive_, done = std::move(done)](error_code ec, redis::reply_view reply) {
    if (*alive)
      done(ec, reply);
  });
}

void rights_watch::ask_all() {
  struct round {
    std::vector<const right*> missing;
    std::size_t awaited;
    bool lost = false;
  };
  auto const answers = std::make_shared<round>(round{{}, rights_.size()});
  for (const right& one : rights_)
    ask(one.call, [this, answers, &one](error_code ec, redis::reply_view reply) {
      answers->lost = answers->lost || ec;
      if (is_missing(one, reply.text()))
        answers->missing.push_back(&one);
      if (--answers->awaited > 0)
        return;
      asking_ = false;
      if (!answers->lost)
        conclude(answers->missing);
    });
}

void rights_watch::conclude(const std::vector<const right*>& missing) {
  auto const vital = std::count_if(missing.begin(), missing.end(), [](const right* one) { return one->vital; });
  counters_.redis_rights_missing.set(missing.size() + (may_ask_ ? 0 : 1));
  counters_.redis_rights_vital.set(static_cast<std::uint64_t>(vital));
  counters_.redis_rights_known.set(1);
  if (!missing.empty())
    next_ = clock::now() + while_missing;
  std::string names(may_ask_ ? "" : dry_run_right);
  for (const right* one : missing)
    names.append(names.empty() ? "" : " ").append(one->name);
  if (names == complaint_)
    return;
  if (names.empty())
    log::info("the Redis user '{}' has all rights again", user_);
  else if (vital > 0)
    log::error("the Redis user '{}' lacks rights: {}; {}", user_, names, redis::denied_hint);
  else
    log::warning("the Redis user '{}' lacks rights: {}; {}", user_, names, redis::denied_hint);
  complaint_ = std::move(names);
}

} // namespace jobcast::store
