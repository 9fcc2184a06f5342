#include "ws_watches.hpp"

#include <algorithm>
#include <utility>

namespace jobcast::stream {

ws_watches::link* ws_watches::find(std::string_view job) const {
  auto const at = std::find_if(links_.begin(), links_.end(), [&](auto const& l) { return l->subject()->id() == job; });
  return at == links_.end() ? nullptr : at->get();
}

void ws_watches::watch(hub::hub& h, hub::watcher& by, std::string_view job, std::uint64_t known, bool every,
                       const net::admission::payer& payer) {
  link& l = *links_.emplace_back(std::make_unique<link>());
  l.known = known;
  if (every)
    l.want_every();
  h.open(by, l, job, payer);
}

void ws_watches::unwatch(hub::hub& h, const std::vector<std::string>& jobs) {
  drop(h, [&](const link& l) { return std::binary_search(jobs.begin(), jobs.end(), l.subject()->id()); });
}

std::optional<owner_name> ws_watches::followed() const {
  if (!feed_)
    return std::nullopt;
  return owner_name{feed_->tenant, feed_->owner};
}

void ws_watches::follow(hub::hub& h, hub::watcher& by, owner_name whose, std::string scope, bool every,
                        net::admission::payer payer) {
  feed_ = std::make_unique<feed>();
  feed_->scope = std::move(scope);
  feed_->tenant = whose.tenant;
  feed_->owner = whose.owner;
  if (every)
    feed_->want_every();
  h.open_feed(by, *feed_, feed_->scope, 0, std::move(payer));
}

void ws_watches::unfollow(hub::hub& h) {
  h.close_feed(*feed_);
  feed_.reset();
}

void ws_watches::judge_again(hub::hub& h) {
  for (auto& l : links_)
    h.judge_again(*l);
}

void ws_watches::leave(hub::hub& h) {
  for (auto& l : links_)
    h.close(*l);
  if (feed_)
    h.close_feed(*feed_);
}

template <class Condition>
void ws_watches::drop(hub::hub& h, Condition met) {
  auto const gone = std::remove_if(links_.begin(), links_.end(), [&](const std::unique_ptr<link>& l) {
    bool const over = met(*l);
    if (over)
      h.close(*l);
    return over;
  });
  links_.erase(gone, links_.end());
}

void ws_watches::prepare(hub::hub& h, hub::dirty_links& dirty, outbox& box) {
  // One that watches hundreds of jobs is not to look at all of them for each event of one.
  if (std::exchange(some_end_, false))
    drop(h, [&](link& l) {
      bool const over = l.end && is_over(l, box);
      some_end_ |= l.end && !over;
      return over;
    });
  for (auto at = dirty.begin(); at != dirty.end();) {
    hub::link& l = *at++;
    // Links of a feed never end: their owner's next job may come any time.
    if (!l.named())
      continue;
    auto& named = static_cast<link&>(l);
    hub::event_ptr const newest = l.at(l.pending() - 1);
    if (!l.started() && l.pending() == 1 && named.known != 0 && newest->kind() == hub::event_kind::job &&
        newest->version() == named.known)
      l.pop();
    if (newest->final() && !named.end) {
      named.end = hub::event::end("final", l.subject()->id());
      some_end_ = true;
      box.add_notice(named.end);
    }
  }
}

// Whether a link whose `end` is on its way has nothing more to say. A job that was retried before the peer took its
// outcome goes on, as if it had not ended.
bool ws_watches::is_over(link& l, outbox& box) {
  if (l.pending() == 0)
    return true;
  if (l.at(l.pending() - 1)->final())
    return false;
  if (!box.withdraw(l.end))
    return true;
  l.end.reset();
  return false;
}

} // namespace jobcast::stream
