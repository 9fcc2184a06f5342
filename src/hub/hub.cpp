#include "jobcast/hub/hub.hpp"

#include "jobcast/job/event.hpp"

#include <algorithm>
#include <utility>

namespace jobcast::hub {

namespace {
// What a watcher of all jobs of an owner may have unsent, in limits.outbox of a watcher of named ones.
constexpr std::size_t outboxes_of_a_feed = 64;
} // namespace

hub::hub(backend& back, const limit_settings& limits, std::string_view ns, metrics::counters& counters)
    : backend_(back)
    , limits_(limits)
    , event_prefix_(std::string(ns) + ":event:")
    , feed_prefix_(std::string(ns) + ":feed:")
    , gone_channel_(std::string(ns) + ":gone")
    , counters_(counters) {}

hub::~hub() {
  idle_.clear();
  dirty_.clear();
  all_.clear();
}

void hub::enlist(watcher& w) {
  w.hub_ = this;
  all_.push_back(w);
  if (!available_)
    w.notify(event::gateway("degraded"));
}

void hub::open(watcher& w, link& l, std::string_view job, const net::admission::payer& payer) {
  w.hub_ = this;
  topic* t = topics_.find(job);
  if (!t) {
    t = &topics_.add(job);
    counters_.watches.add();
    backend_.subscribe(event_channel(job));
    if (!payer.key().empty())
      payers_.emplace(t, payer);
  }
  t->in_idle.unlink();
  // A retry may have been answered already whose event is still on its way, and an outcome ends streams: it is read
  // again before a newcomer is told.
  if (t->at == topic::state::live && t->latest && t->latest->final()) {
    t->forget_freshness();
    read_soon(*t, payer);
  } else if (t->at == topic::state::unread) {
    read_soon(*t, payer);
  }
  t->attach(l, w);
}

void hub::read_soon(topic& t, net::admission::payer payer) {
  t.at = topic::state::reading;
  to_read_.push_back({std::string(t.id()), std::move(payer)});
  schedule_flush();
}

void hub::schedule_flush() {
  if (!std::exchange(flush_scheduled_, true))
    backend_.schedule_flush();
}

void hub::close(link& l) {
  topic* t = l.topic_;
  if (!t)
    return;
  l.in_topic.unlink();
  l.in_dirty.unlink();
  l.topic_ = nullptr;
  l.newest_due_ = false; // it would be the topic's
  l.drop_backlog();
  if (!t->watched() && !t->in_idle.is_linked()) {
    t->idle_since = now_;
    idle_.push_back(*t);
  }
}

void hub::judge_again(link& l) {
  if (l.topic_)
    l.topic_->judge_again(l);
}

void hub::open_feed(watcher& w, feed_member& member, std::string_view scope, std::int64_t since,
                    net::admission::payer payer) {
  w.hub_ = this;
  auto at = feeds_.find(scope);
  if (at == feeds_.end()) {
    at = feeds_.try_emplace(std::string(scope), scope).first;
    counters_.feeds.add();
    backend_.subscribe(feed_prefix_ + std::string(scope));
  }
  feed& f = at->second;
  member.feed_ = &f;
  member.watcher_ = &w;
  member.since_ = since;
  f.members.push_back(member);
  for (topic& t : f.topics)
    member.follow(t);
  member.ticket_ = ++next_ticket_;
  tickets_.emplace(member.ticket_, awaited_list{&member, std::move(payer)});
  if (f.at == topic::state::live)
    request_list(member);
}

void hub::close_feed(feed_member& member) {
  feed* f = member.feed_;
  if (!f)
    return;
  forget_list(member);
  member.unfollow_all();
  member.in_feed.unlink();
  member.feed_ = nullptr;
  if (f->members.empty())
    f->idle_since = now_;
}

// Returns whom it was to be charged to: nobody, where it is the gateway that needs it.
net::admission::payer hub::forget_list(feed_member& member) {
  auto const awaited = tickets_.extract(member.ticket_);
  member.ticket_ = 0;
  if (awaited.empty())
    return {};
  backend_.drop_list(awaited.key());
  return std::move(awaited.mapped().payer);
}

void hub::request_list(feed_member& member) {
  auto payer = forget_list(member);
  member.ticket_ = ++next_ticket_;
  auto const& awaited = tickets_.emplace(member.ticket_, awaited_list{&member, std::move(payer)}).first->second;
  backend_.list(member.feed_->scope, member.listed_ ? lost_at_ - limits_.resume_overlap.count() : member.since_,
                member.ticket_, awaited.payer);
}

feed* hub::find_feed(std::string_view channel) {
  if (!channel.starts_with(feed_prefix_))
    return nullptr;
  auto at = feeds_.find(channel.substr(feed_prefix_.size()));
  return at == feeds_.end() ? nullptr : &at->second;
}

void hub::on_subscribed(std::string_view channel) {
  flush_scheduled_ = true; // the subscriber ends every turn with a flush
  if (channel.starts_with(event_prefix_)) {
    if (topic* t = topics_.find(channel.substr(event_prefix_.size())); t) {
      auto const payer = payers_.extract(t);
      read_soon(*t, payer ? std::move(payer.mapped()) : net::admission::payer());
    }
  } else if (feed* f = find_feed(channel); f) {
    f->at = topic::state::live;
    // Members that had their snapshot share one list of what changed meanwhile.
    bool shared = false;
    for (feed_member& member : f->members)
      if (!member.listed_ || !std::exchange(shared, true))
        request_list(member);
  }
}

void hub::on_message(std::string_view channel, std::string_view payload) {
  flush_scheduled_ = true;
  if (channel.starts_with(event_prefix_)) {
    if (topic* t = topics_.find(channel.substr(event_prefix_.size())); t && t->at != topic::state::subscribing)
      on_job_message(*t, payload);
  } else if (channel == gone_channel_) {
    on_gone(payload);
  } else if (feed* f = find_feed(channel); f && f->at != topic::state::subscribing) {
    on_feed_message(*f, payload);
  }
}

void hub::on_gone(std::string_view job) {
  for (auto& entry : feeds_) {
    feed& f = entry.second;
    topic* const t = f.remembers(job) ? &f.topic_of(job) : f.topics.find(job);
    if (t && t->accept_missing())
      counters_.events.add();
  }
}

namespace {

// Answers whether the event was news.
bool deliver(topic& t, const job::event& message) {
  if (message.flags.deleted)
    return t.accept_missing();
  auto const how = message.flags.created     ? topic::arrival::renewed
                   : message.flags.ownership ? topic::arrival::assigned
                                             : topic::arrival::published;
  return t.accept(how, message.version, message.flags.final, message.record);
}

} // namespace

void hub::on_job_message(topic& t, std::string_view payload) {
  auto const message = job::parse_event(payload);
  if (!message)
    return counters_.events_invalid.add();
  (deliver(t, *message) ? counters_.events : counters_.events_stale).add();
}

void hub::on_feed_message(feed& f, std::string_view payload) {
  auto const message = job::parse_feed(payload);
  if (!message)
    return counters_.events_invalid.add();
  (deliver(f.topic_of(message->id), message->what) ? counters_.events : counters_.events_stale).add();
  if (f.topics.size() > limits_.feed_backlog)
    bound(f);
}

// What everyone has is let go. A watcher who reads too slowly for what its owner's jobs say is ended: it comes back,
// and is told what there is then.
void hub::bound(feed& f) {
  f.prune(limits_.feed_backlog);
  for (watcher* w : f.far_behind(limits_.feed_backlog, outboxes_of_a_feed * limits_.outbox)) {
    counters_.slow_closed.add();
    w->abort();
  }
}

void hub::on_lost(std::int64_t at) {
  set_available(false);
  lost_at_ = at;
  for (topic& t : topics_) {
    t.at = topic::state::subscribing;
    t.forget_freshness();
  }
  for (auto& entry : feeds_) {
    entry.second.at = topic::state::subscribing;
    entry.second.forget_freshness();
  }
  to_read_.clear();
  failed_reads_.clear();
  feed_reads_.clear();
}

void hub::set_available(bool now) {
  if (now == available_)
    return;
  available_ = now;
  counters_.redis_connected.set(now);
  if (!now)
    counters_.redis_losses.add();
  notify_all(event::gateway(now ? "ok" : "degraded"));
}

void hub::notify_all(const event_ptr& notice) {
  for (watcher& w : all_) {
    w.notify(notice);
    mark_dirty(w);
  }
}

// Calls `use` with every topic of that id that waits for its record.
template <class Use>
void hub::with_reading(std::string_view id, Use use) {
  if (topic* t = topics_.find(id); t && t->at == topic::state::reading) {
    t->at = topic::state::live;
    use(*t);
  }
  if (feed_reads_.empty())
    return;
  auto const [first, last] = feed_reads_.equal_range(std::string(id));
  for (auto at = first; at != last; ++at)
    if (auto f = feeds_.find(at->second); f != feeds_.end())
      if (topic* t = f->second.topics.find(at->first); t) {
        t->at = topic::state::live;
        use(*t);
      }
  feed_reads_.erase(first, last);
}

void hub::abort_all() {
  for (auto at = all_.begin(); at != all_.end();)
    (at++)->abort();
}

void hub::on_record(std::string_view id, std::uint64_t version, bool final, std::string_view record) {
  with_reading(id, [&](topic& t) { t.accept(topic::arrival::read, version, final, record); });
}

void hub::on_absent(std::string_view id) {
  // An event that came while the read was under way is newer than the absence it found.
  with_reading(id, [](topic& t) {
    if (!t.fresh)
      t.accept_missing();
  });
}

bool hub::wants(std::string_view id) {
  topic* const t = topics_.find(id);
  bool const reading = t && t->at == topic::state::reading;
  if ((reading && t->watched()) || feed_reads_.contains(std::string(id)))
    return true;
  if (reading)
    t->at = topic::state::unread;
  return false;
}

void hub::on_read_failed(std::span<const std::string> ids) {
  failed_reads_.insert(failed_reads_.end(), ids.begin(), ids.end());
}

void hub::on_listed(std::uint64_t ticket, std::span<const listed_record> records, std::string_view cursor) {
  auto at = tickets_.find(ticket);
  if (at == tickets_.end())
    return;
  feed_member& member = *at->second.member;
  tickets_.erase(at);
  member.ticket_ = 0;
  feed& f = *member.feed_;
  for (const listed_record& r : records)
    f.admit(member, r.id).accept(topic::arrival::read, r.version, r.final, r.record);
  if (member.listed_)
    reread_rest(f);
  if (!member.listed_ && !cursor.empty()) {
    member.watcher_->notify(event::more(cursor));
    mark_dirty(*member.watcher_);
  }
  member.listed_ = true;
}

// After an outage: topics that the list of what changed did not touch are read one by one.
void hub::reread_rest(feed& f) {
  for (topic& t : f.topics)
    if (!t.fresh) {
      t.at = topic::state::reading;
      feed_reads_.emplace(t.id(), f.scope);
      to_read_.push_back({std::string(t.id())});
    }
  if (!to_read_.empty())
    schedule_flush();
}

void hub::on_list_failed(std::uint64_t ticket) {
  // The subscription will be acknowledged again after the reconnect, and the list asked for then; this covers the
  // command connection failing alone.
  if (auto at = tickets_.find(ticket); at != tickets_.end())
    at->second.member->list_failed_ = true;
}

void hub::retry_reads() {
  for (std::string& id : std::exchange(failed_reads_, {}))
    to_read_.push_back({std::move(id)});
  std::vector<feed_member*> again;
  for (auto& [ticket, awaited] : tickets_)
    if (std::exchange(awaited.member->list_failed_, false))
      again.push_back(awaited.member);
  for (feed_member* member : again)
    request_list(*member);
  if (!to_read_.empty())
    schedule_flush();
}

void hub::mark_dirty(watcher& w) {
  if (!w.in_dirty_watchers.is_linked())
    dirty_.push_back(w);
  schedule_flush();
}

void hub::flush() {
  flush_scheduled_ = false;
  if (!to_read_.empty())
    backend_.read(std::exchange(to_read_, {}));
  while (!dirty_.empty()) {
    watcher& w = dirty_.front();
    dirty_.pop_front();
    w.flush();
  }
}

void hub::tick(std::int64_t now_steady_ms) {
  now_ = now_steady_ms;
  spare_.trim();
  auto const expired = [&](std::int64_t since) { return now_ - since >= limits_.linger.count(); };
  while (!idle_.empty() && expired(idle_.front().idle_since)) {
    topic& t = idle_.front();
    idle_.pop_front();
    backend_.unsubscribe(event_channel(t.id()));
    counters_.watches.subtract();
    payers_.erase(&t);
    topics_.erase(t);
  }
  for (auto at = feeds_.begin(); at != feeds_.end();) {
    feed& f = at->second;
    if (!f.members.empty())
      bound(f);
    if (!f.members.empty() || !expired(f.idle_since)) {
      ++at;
      continue;
    }
    backend_.unsubscribe(feed_prefix_ + f.scope);
    counters_.feeds.subtract();
    at = feeds_.erase(at);
  }
}

} // namespace jobcast::hub
