#include "jobcast/redis/subscription_tracker.hpp"

namespace jobcast::redis {

bool subscription_tracker::subscribe(kind what, std::string_view name) {
  names& group = of(what);
  auto at = group.all.find(name);
  if (at == group.all.end())
    at = group.all.try_emplace(std::string(name)).first;
  state& s = at->second;
  if (s.wanted)
    return false;
  s.wanted = true;
  if (!connected_)
    return false;
  // Sent even if the server still has the name from before: the caller is to hear an acknowledgement.
  if (!s.subscribe_queued) {
    s.subscribe_queued = true;
    group.to_subscribe.push_back(&*at);
  }
  return true;
}

bool subscription_tracker::unsubscribe(kind what, std::string_view name) {
  names& group = of(what);
  auto at = group.all.find(name);
  if (at == group.all.end() || !at->second.wanted)
    return false;
  state& s = at->second;
  s.wanted = s.live = false;
  if (s.told && !s.unsubscribe_queued) {
    s.unsubscribe_queued = true;
    group.to_unsubscribe.push_back(&*at);
    return true;
  }
  if (s.forgettable())
    group.all.erase(at);
  return false;
}

void subscription_tracker::connection_up() {
  connected_ = true;
  for (names* group : {&channels_, &patterns_})
    for (auto& entry : group->all) {
      entry.second.subscribe_queued = true;
      group->to_subscribe.push_back(&entry);
    }
}

void subscription_tracker::connection_lost() {
  connected_ = false;
  awaited_ = 0;
  for (names* group : {&channels_, &patterns_}) {
    group->to_subscribe.clear();
    group->to_unsubscribe.clear();
    std::erase_if(group->all, [](const auto& entry) { return !entry.second.wanted; });
    for (auto& [name, s] : group->all) {
      s = state{};
      s.wanted = true;
    }
  }
}

bool subscription_tracker::next_command(std::vector<std::string_view>& arguments) {
  for (names* group : {&channels_, &patterns_}) {
    arguments.assign(1, group->subscribe_verb);
    take_subscriptions(*group, arguments);
    if (arguments.size() > 1)
      return true;
    arguments.assign(1, group->unsubscribe_verb);
    take_unsubscriptions(*group, arguments);
    if (arguments.size() > 1)
      return true;
  }
  return false;
}

void subscription_tracker::take_subscriptions(names& group, std::vector<std::string_view>& arguments) {
  while (!group.to_subscribe.empty() && arguments.size() <= batch) {
    auto& [name, s] = *group.to_subscribe.front();
    group.to_subscribe.pop_front();
    s.subscribe_queued = false;
    if (s.wanted) {
      s.told = true;
      ++s.awaited;
      ++awaited_;
      arguments.push_back(name);
    } else if (s.forgettable()) {
      group.all.erase(group.all.find(name));
    }
  }
}

void subscription_tracker::take_unsubscriptions(names& group, std::vector<std::string_view>& arguments) {
  while (!group.to_unsubscribe.empty() && arguments.size() <= batch) {
    auto& [name, s] = *group.to_unsubscribe.front();
    group.to_unsubscribe.pop_front();
    s.unsubscribe_queued = false;
    if (s.wanted)
      continue;
    s.told = false;
    ++s.awaited;
    ++awaited_;
    arguments.push_back(name);
  }
}

subscription_tracker::map::iterator subscription_tracker::acknowledge(names& group, std::string_view name) {
  auto at = group.all.find(name);
  if (at == group.all.end() || at->second.awaited == 0)
    return group.all.end();
  --at->second.awaited;
  --awaited_;
  return at;
}

bool subscription_tracker::on_subscribed(kind what, std::string_view name) {
  auto at = acknowledge(of(what), name);
  if (at == of(what).all.end())
    return false;
  state& s = at->second;
  if (!s.wanted || s.awaited != 0 || s.subscribe_queued)
    return false;
  s.live = true;
  return true;
}

void subscription_tracker::on_unsubscribed(kind what, std::string_view name) {
  names& group = of(what);
  auto at = acknowledge(group, name);
  if (at != group.all.end() && at->second.forgettable())
    group.all.erase(at);
}

bool subscription_tracker::live(kind what, std::string_view name) const {
  const names& group = of(what);
  auto at = group.all.find(name);
  return at != group.all.end() && at->second.live;
}

} // namespace jobcast::redis
