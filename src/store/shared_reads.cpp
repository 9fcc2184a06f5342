#include "jobcast/store/shared_reads.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

namespace jobcast::store {

namespace {

// A call holds Redis up for everyone else.
constexpr std::size_t ids_per_call = 100;

} // namespace

task<result<shared_reads::found>> shared_reads::get(std::string id, std::string scope) {
  if (due_.empty()) {
    auto const on = co_await asio::this_coro::executor;
    asio::post(on, [this] { send_due(); });
  }
  result<found> out = found();
  std::vector<asker>& askers = due_[std::move(scope)][std::move(id)];
  auto enlist = [&](resume go) { askers.push_back({std::move(go), &out}); };
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void()>(enlist, use_awaitable);
  co_return out;
}

void shared_reads::send_due() {
  for (auto& [scope, reads] : std::exchange(due_, {}))
    for (auto at = reads.begin(); at != reads.end();) {
      auto part = std::make_shared<batch>();
      part->reserve(std::min(ids_per_call, reads.size()));
      for (; at != reads.end() && part->size() < ids_per_call; ++at)
        part->push_back({at->first, std::move(at->second)});
      send(scope, std::move(part));
    }
}

void shared_reads::send(const std::string& scope, std::shared_ptr<batch> reads) {
  std::vector<std::string_view> call{"FCALL", "jobcast_get", "1", ns_};
  if (!scope.empty())
    call.push_back(scope);
  for (const read& r : *reads)
    call.push_back(r.id);
  client_.call(call,
               [this, scope, reads](error_code ec, redis::reply_view reply) { on_reply(scope, *reads, ec, reply); });
}

void shared_reads::on_reply(const std::string& scope, batch& reads, error_code ec, redis::reply_view reply) {
  bool const failed = ec || reply.is_error();
  failure const why = failed ? failure_of(ec, reply) : failure();
  // What one of them may have caused is not the others' failure.
  if (failed && why.what != failure::kind::unavailable && reads.size() > 1) {
    for (read& r : reads) {
      auto alone = std::make_shared<batch>();
      alone->push_back(std::move(r));
      send(scope, std::move(alone));
    }
    return;
  }
  for (std::size_t i = 0; i < reads.size(); ++i)
    if (failed)
      answer(reads[i], why);
    else
      answer(reads[i], reply[i].is_array() ? std::make_shared<const record>(read_record(reply[i])) : found());
}

// An asker that goes on may ask again.
void shared_reads::answer(read& r, const result<found>& what) {
  for (asker& one : r.askers) {
    *one.into = what;
    std::move(one.go)();
  }
}

} // namespace jobcast::store
