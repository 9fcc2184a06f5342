#include "jobcast/store/shared_reads.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace jobcast::store {

namespace {

// A call holds Redis up for everyone else.
constexpr std::size_t ids_per_call = 100;

} // namespace

task<result<shared_reads::found>> shared_reads::get(std::string id, std::string scope) {
  if (due_.empty())
    asio::post(executor_, [this] { send_due(); });
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
  std::vector<std::string> ids;
  ids.reserve(reads->size());
  for (const read& r : *reads)
    ids.push_back(r.id);
  asio::co_spawn(executor_, store_.get(std::move(ids), scope),
                 [this, scope, reads](std::exception_ptr e, result<std::vector<std::optional<record>>> records) {
                   if (e)
                     std::rethrow_exception(e);
                   on_read(scope, *reads, std::move(records));
                 });
}

void shared_reads::on_read(const std::string& scope, batch& reads, result<std::vector<std::optional<record>>> records) {
  // What one of them may have caused is not the others' failure.
  bool const of_one =
      !records && records.error().what != failure::kind::unavailable && records.error().what != failure::kind::denied;
  if (of_one && reads.size() > 1) {
    for (read& r : reads) {
      auto alone = std::make_shared<batch>();
      alone->push_back(std::move(r));
      send(scope, std::move(alone));
    }
    return;
  }
  for (std::size_t i = 0; i < reads.size(); ++i)
    if (!records)
      answer(reads[i], records.error());
    else
      answer(reads[i], (*records)[i] ? std::make_shared<const record>(*std::move((*records)[i])) : found());
}

// An asker that goes on may ask again.
void shared_reads::answer(read& r, const result<found>& what) {
  for (asker& one : r.askers) {
    *one.into = what;
    std::move(one.go)();
  }
}

} // namespace jobcast::store
