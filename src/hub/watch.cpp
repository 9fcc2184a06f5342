#include "jobcast/hub/watch.hpp"

#include "jobcast/auth/rules.hpp"
#include "jobcast/hub/hub.hpp"
#include "jobcast/job/event.hpp"
#include "jobcast/job/ownership.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace jobcast::hub {

namespace {

bool may_see(const watcher& w, const job::ownership& of) {
  return !w.who() || auth::may(*w.who(), auth::action::read, {of.id, of.owner, of.tenant, of.type});
}

} // namespace

const event_ptr& link::at(std::size_t i) const {
  return backlog_ && i < backlog_->size() ? backlog_->at(i) : topic_->latest;
}

void link::note_told(const event& e) {
  started_ = true;
  if (e.kind() == event_kind::job || e.kind() == event_kind::missing)
    told_missing_ = e.kind() == event_kind::missing;
}

void link::pop() {
  note_told(*at(0));
  if (backlog_ && !backlog_->empty()) {
    std::size_t const size = backlog_->at(0)->sse().size();
    backlog_->bytes -= size;
    watcher_->held_ -= size;
    // It told of them: the next gap counts those that come after it.
    if (backlog_->at(0)->kind() == event_kind::gap)
      backlog_->skipped = 0;
    backlog_->pop();
    if (backlog_->empty())
      watcher_->hub_->spare_.give_back(std::move(backlog_));
  } else {
    newest_due_ = false;
  }
  if (pending() == 0)
    in_dirty.unlink();
}

void link::pop_all() {
  for (std::size_t i = 0; backlog_ && i < backlog_->size(); ++i)
    note_told(*backlog_->at(i));
  if (newest_due_)
    note_told(*topic_->latest);
  if (backlog_) {
    watcher_->held_ -= backlog_->bytes;
    watcher_->hub_->spare_.give_back(std::move(backlog_));
  }
  newest_due_ = false;
  in_dirty.unlink();
}

// Keeps an event that must not be conflated away, whatever the watcher holds already.
void link::keep(event_ptr e) {
  if (!backlog_)
    backlog_ = watcher_->hub_->spare_.take();
  std::size_t const size = e->sse().size();
  backlog_->bytes += size;
  watcher_->held_ += size;
  backlog_->push(std::move(e));
}

// The same within the watcher's limit: beyond it all that this link holds gives way to one `gap`, and to a `reset` if
// there was one: without, lower versions than before would be taken for old news.
void link::hold(event_ptr e) {
  keep(std::move(e));
  if (watcher_->held_ <= watcher_->hub_->limits_.outbox)
    return;
  event_ptr reset;
  for (std::size_t i = 0; i < backlog_->size(); ++i) {
    event_kind const what = backlog_->at(i)->kind();
    backlog_->skipped += what == event_kind::job;
    if (what == event_kind::reset)
      reset = backlog_->at(i);
  }
  watcher_->held_ -= backlog_->bytes;
  backlog_->clear();
  backlog_->bytes = 0;
  keep(event::gap(topic_->id(), backlog_->skipped));
  if (reset)
    keep(std::move(reset));
  watcher_->hub_->count_gap();
}

void link::drop_backlog() {
  if (backlog_)
    watcher_->held_ -= backlog_->bytes;
  backlog_.reset();
}

// Seen or hidden from here on. What became visible is offered by the caller, as what comes first.
void link::judge(bool allowed) {
  if (!allowed && !hidden_)
    hide();
  else if (allowed && std::exchange(hidden_, false))
    started_ = false;
}

// The job of others is told apart from no job by nothing: who was told that there is none is not told again, lest that
// tells when there is one.
void link::hide() {
  hidden_ = true;
  newest_due_ = false;
  drop_backlog();
  in_dirty.unlink();
  if (told_missing_)
    return;
  keep(event::missing(topic_->id()));
  mark_dirty();
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

topic* topic::make(std::string_view job) {
  void* const at = ::operator new(sizeof(topic) + job.size());
  std::memcpy(static_cast<char*>(at) + sizeof(topic), job.data(), job.size());
  return ::new (at) topic(job);
}

topic::~topic() {
  links.clear();
}

void topic::attach(link& l, watcher& w, told what) {
  l.topic_ = this;
  l.watcher_ = &w;
  links.push_back(l);
  l.started_ = what == told::already;
  if (!latest || !fresh)
    return; // judged with the first record
  if (w.who() && latest->kind() == event_kind::job && !may_see(w, job::ownership_of(latest->data())))
    return l.hide();
  if (what == told::nothing) {
    l.newest_due_ = true;
    l.mark_dirty();
  }
}

void topic::judge_again(link& l) {
  if (!latest || !fresh || latest->kind() != event_kind::job)
    return;
  bool const was_hidden = l.hidden_;
  l.judge(may_see(*l.watcher_, job::ownership_of(latest->data())));
  if (was_hidden && !l.hidden_) {
    l.newest_due_ = true;
    l.mark_dirty();
  }
}

void topic::judge_all(std::string_view record) {
  if (std::none_of(links.begin(), links.end(), [](const link& l) { return l.watcher_->who() != nullptr; }))
    return;
  auto const of = job::ownership_of(record);
  for (link& l : links)
    l.judge(may_see(*l.watcher_, of));
}

// What was known before an outage proved to be still true: it is news only to those who came during the outage.
void topic::greet_newcomers() {
  for (link& l : links)
    if (!l.started_ && !l.newest_due_ && !l.hidden_ && !(l.told_missing_ && latest->kind() == event_kind::missing)) {
      l.newest_due_ = true;
      l.mark_dirty();
    }
}

bool topic::accept(arrival how, std::uint64_t new_version, bool final, std::string_view record) {
  bool const restart = !fresh || how == arrival::renewed;
  bool const made_again = !latest && peak != 0;
  bool repeated = false;
  if (made_again && how == arrival::read) {
    // What was read may have been overtaken by what watchers had before the topic was let go; or it is just that.
    std::int64_t const updated_at = job::id_of(record).updated_at;
    if (!doubted && new_version < peak && updated_at < peak_at)
      return false;
    repeated = new_version == peak && updated_at == peak_at;
  }
  fresh = true;
  if (!restart && new_version <= version)
    return false;
  // Before anyone is told: nobody may hear of a job that became another's. What was read may have overtaken the event
  // that says so.
  if (restart || how != arrival::published)
    judge_all(record);
  if (restart && latest && new_version == version && how == arrival::read) {
    event_ptr same = event::job(new_version, final, record);
    if (same->updated_at() == latest->updated_at() && same->data() == latest->data()) {
      greet_newcomers();
      return false;
    }
  }
  bool const lower = peak != 0 && new_version <= peak && !repeated;
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
  publish(event::missing(id()), false);
  return true;
}

void topic::publish(event_ptr e, bool with_reset) {
  event_ptr const previous = std::exchange(latest, std::move(e));
  event_ptr const reset = with_reset ? event::reset(id()) : nullptr;
  for (link& l : links) {
    if (l.hidden_) {
      // That there is none is what its watcher was told.
      if (latest->kind() == event_kind::missing)
        l.judge(true);
      continue;
    }
    l.offer(previous);
    // A watcher that was given nothing yet takes what comes first.
    if (reset && (l.started_ || l.backlog_))
      l.hold(reset);
  }
}

} // namespace jobcast::hub
