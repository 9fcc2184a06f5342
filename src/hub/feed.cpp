#include "jobcast/hub/feed.hpp"

#include <algorithm>
#include <functional>
#include <limits>

namespace jobcast::hub {

feed_member::~feed_member() {
  unfollow_all();
}

void feed_member::unfollow_all() {
  links_.clear_and_dispose([](feed_link* l) { delete l; });
}

void feed_member::follow(topic& t, told what) {
  auto* l = new feed_link;
  if (every_)
    l->want_every();
  l->of_feed_ = true;
  links_.push_back(*l);
  t.attach(*l, *watcher_, what);
}

bool feed_member::follows(const topic& t) const {
  return std::any_of(t.links.begin(), t.links.end(), [&](const link& l) { return l.watched_by(*watcher_); });
}

topic& feed::topic_of(std::string_view job) {
  topic* const known = topics.find(job);
  topic& t = known ? *known : add(job);
  // A topic admitted for one member alone gets its other followers here, with the first event after it.
  if (t.lone || !known) {
    t.lone = false;
    for (feed_member& member : members)
      if (!member.follows(t))
        member.follow(t, told::already);
  }
  return t;
}

topic& feed::admit(feed_member& by, std::string_view job) {
  topic* const known = topics.find(job);
  if (known && !by.follows(*known))
    by.follow(*known);
  if (by.listed_)
    return topic_of(job);
  if (known)
    return *known;
  topic& t = add(job);
  t.lone = true;
  by.follow(t);
  return t;
}

topic& feed::add(std::string_view job) {
  topic& t = topics.add(job);
  auto const before = let_go_.find(std::hash<std::string_view>()(job));
  if (before != let_go_.end()) {
    t.peak = before->second.version;
    t.peak_at = before->second.updated_at;
    t.doubted = before->second.doubted;
    let_go_.erase(before);
  } else if (forgot_) {
    t.peak = std::numeric_limits<std::uint64_t>::max();
  }
  return t;
}

bool feed::remembers(std::string_view job) const {
  return let_go_.contains(std::hash<std::string_view>()(job));
}

void feed::remember(const topic& t, std::size_t most) {
  if (t.peak == 0)
    return;
  if (let_go_.size() >= most) {
    let_go_.clear();
    forgot_ = true;
  }
  bool const is_record = t.latest && t.latest->kind() == event_kind::job;
  let_go_[std::hash<std::string_view>()(t.id())] = {t.peak, is_record ? t.latest->updated_at() : t.peak_at,
                                                    !is_record && t.doubted};
}

void feed::forget_freshness() {
  for (topic& t : topics) {
    t.forget_freshness();
    t.doubted = true;
  }
  for (auto& entry : let_go_)
    entry.second.doubted = true;
}

void feed::prune(std::size_t most) {
  auto const settled = [](const topic& t) {
    return std::all_of(t.links.begin(), t.links.end(), [](const link& l) { return l.pending() == 0; });
  };
  auto const drop = [](topic& t) { t.links.clear_and_dispose([](link* l) { delete static_cast<feed_link*>(l); }); };
  // A final job that everyone has is only a version to remember; should it be reopened, its topic is made anew.
  topics.erase_if([&](topic& t) {
    bool const over = !t.latest ? t.peak != 0 : t.latest->final() || t.latest->kind() == event_kind::missing;
    bool const go = (over || (t.latest && topics.size() > most)) && settled(t);
    if (go) {
      remember(t, most);
      drop(t);
    }
    return go;
  });
}

std::vector<watcher*> feed::far_behind(std::size_t most, std::size_t bytes) const {
  std::vector<watcher*> out;
  for (const feed_member& member : members) {
    std::size_t unsent_jobs = 0, unsent_bytes = 0;
    for (const feed_link& l : member.links_)
      if (std::size_t const pending = l.pending()) {
        ++unsent_jobs;
        unsent_bytes += l.at(pending - 1)->sse().size();
      }
    if (unsent_jobs > most || unsent_bytes > bytes)
      out.push_back(member.watcher_);
  }
  return out;
}

} // namespace jobcast::hub
