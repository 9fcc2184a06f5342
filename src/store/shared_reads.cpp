#include "jobcast/store/shared_reads.hpp"

#include "jobcast/base/survive.hpp"

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
  // What throws must do so before the handler is made.
  askers.reserve(askers.size() + 1);
  auto enlist = [&](resume go) { askers.push_back({std::move(go), &out}); };
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void()>(enlist, use_awaitable);
  co_return out;
}

void shared_reads::send_due() {
  auto due = std::exchange(due_, {});
  bool const sent = survive([&] {
    for (auto& [scope, reads] : due)
      for (auto at = reads.begin(); at != reads.end();) {
        auto part = std::make_shared<batch>();
        part->reserve(std::min(ids_per_call, reads.size()));
        for (; at != reads.end() && part->size() < ids_per_call; ++at)
          part->push_back({at->first, std::exchange(at->second, {})});
        send(scope, std::move(part));
      }
  });
  if (!sent)
    for (auto& [scope, reads] : due)
      for (auto& [id, askers] : reads)
        fail(askers);
}

void shared_reads::send(const std::string& scope, std::shared_ptr<batch> reads) {
  bool const begun = survive([&] {
    std::vector<std::string> ids;
    ids.reserve(reads->size());
    for (const read& r : *reads)
      ids.push_back(r.id);
    asio::co_spawn(executor_, read_(std::move(ids), scope), [this, scope, reads](std::exception_ptr e, records got) {
      log::unexpected(e);
      if (!e)
        survive([&] { on_read(scope, *reads, std::move(got)); });
      fail(*reads);
    });
  });
  if (!begun)
    fail(*reads);
}

void shared_reads::on_read(const std::string& scope, batch& reads, records got) {
  // What one of them may have caused is not the others' failure.
  bool const of_one =
      !got && got.error().what != failure::kind::unavailable && got.error().what != failure::kind::denied;
  if (of_one && reads.size() > 1) {
    for (read& r : reads) {
      auto alone = std::make_shared<batch>(1);
      alone->front().id = r.id;
      alone->front().askers.swap(r.askers);
      send(scope, std::move(alone));
    }
    return;
  }
  for (std::size_t i = 0; i < reads.size(); ++i)
    if (!got)
      answer(reads[i], got.error());
    else
      answer(reads[i], (*got)[i] ? std::make_shared<const record>(*std::move((*got)[i])) : found());
}

// An asker that goes on may ask again.
void shared_reads::answer(read& r, const result<found>& what) {
  for (asker& one : std::exchange(r.askers, {})) {
    if (!survive([&] { *one.into = what; }))
      *one.into = failure();
    survive([&] { std::move(one.go)(); });
  }
}

void shared_reads::fail(batch& reads) noexcept {
  for (read& r : reads)
    fail(r.askers);
}

void shared_reads::fail(std::vector<asker>& askers) noexcept {
  for (asker& one : std::exchange(askers, {})) {
    *one.into = failure();
    survive([&] { std::move(one.go)(); });
  }
}

} // namespace jobcast::store
