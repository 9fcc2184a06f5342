#include "jobcast/hub/watch.hpp"

#include "jobcast/hub/hub.hpp"

#include <utility>

namespace jobcast::hub {

const event_ptr& link::at(std::size_t i) const {
  return backlog_ && i < backlog_->events.size() ? backlog_->events[i] : topic_->latest;
}

void link::pop() {
  started_ = true;
  if (backlog_ && !backlog_->events.empty()) {
    std::size_t const size = backlog_->events.front()->sse().size();
    backlog_->bytes -= size;
    watcher_->held_ -= size;
    backlog_->events.pop_front();
    if (backlog_->events.empty())
      backlog_.reset();
  } else {
    newest_due_ = false;
  }
  if (pending() == 0)
    in_dirty.unlink();
}

// Keeps an event that must not be conflated away; beyond the watcher's limit all that this link holds gives way to one
// `gap`.
void link::hold(event_ptr e) {
  if (!backlog_)
    backlog_ = std::make_unique<backlog>();
  std::size_t const size = e->sse().size();
  backlog_->bytes += size;
  watcher_->held_ += size;
  backlog_->events.push_back(std::move(e));
  if (watcher_->held_ <= watcher_->held_limit_)
    return;
  for (const event_ptr& dropped : backlog_->events)
    backlog_->skipped += dropped->kind() == event_kind::job;
  backlog_->events.clear();
  backlog_->events.push_back(event::gap(topic_->id, backlog_->skipped));
  watcher_->held_ -= backlog_->bytes;
  backlog_->bytes = backlog_->events.front()->sse().size();
  watcher_->held_ += backlog_->bytes;
  watcher_->hub_->count_gap();
}

void link::drop_backlog() {
  if (backlog_)
    watcher_->held_ -= backlog_->bytes;
  backlog_.reset();
}

// The topic has a new `latest`. What it replaces is kept where it must be.
void link::offer(const event_ptr& previous) {
  if (newest_due_ && previous && (every_ || previous->final()))
    hold(previous);
  newest_due_ = true;
  mark_dirty();
}

void link::mark_dirty() {
  if (!in_dirty.is_linked())
    watcher_->dirty_.push_back(*this);
  watcher_->mark_dirty();
}

void watcher::mark_dirty() {
  hub_->mark_dirty(*this);
}

topic::~topic() {
  links.clear();
}

void topic::attach(link& l, watcher& w, told what) {
  l.topic_ = this;
  l.watcher_ = &w;
  links.push_back(l);
  l.started_ = what == told::already;
  if (latest && fresh && what == told::nothing) {
    l.newest_due_ = true;
    l.mark_dirty();
  }
}

// What was known before an outage proved to be still true: it is news only to those who came during the outage.
void topic::greet_newcomers() {
  for (link& l : links)
    if (!l.started_ && !l.newest_due_) {
      l.newest_due_ = true;
      l.mark_dirty();
    }
}

bool topic::accept(arrival how, std::uint64_t new_version, bool final, std::string_view record) {
  bool const restart = !fresh || how == arrival::renewed;
  fresh = true;
  if (!restart && new_version <= version)
    return false;
  if (restart && latest && new_version == version && how == arrival::read) {
    event_ptr same = event::job(new_version, final, record);
    if (same->updated_at() == latest->updated_at() && same->data() == latest->data()) {
      greet_newcomers();
      return false;
    }
  }
  bool const lower = peak != 0 && new_version <= peak;
  version = new_version;
  peak = new_version;
  publish(event::job(new_version, final, record), lower);
  return true;
}

bool topic::accept_missing() {
  fresh = true;
  if (latest && latest->kind() == event_kind::missing) {
    greet_newcomers();
    return false;
  }
  version = 0;
  publish(event::missing(id), false);
  return true;
}

void topic::publish(event_ptr e, bool with_reset) {
  event_ptr const previous = std::exchange(latest, std::move(e));
  event_ptr const reset = with_reset ? event::reset(id) : nullptr;
  for (link& l : links) {
    l.offer(previous);
    if (reset)
      l.hold(reset);
  }
}

} // namespace jobcast::hub
