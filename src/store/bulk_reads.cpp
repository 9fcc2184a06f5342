#include "jobcast/store/bulk_reads.hpp"

#include "jobcast/base/survive.hpp"

#include <algorithm>
#include <utility>

namespace jobcast::store {

namespace {

// Redis takes about 1.5 us for a look (src/store/functions/read.lua).
constexpr double looks_per_request = 500;
// A read of more is a large one.
constexpr std::int64_t small_looks = 500;
// Of small ones so many may be under way.
constexpr std::size_t most_at_once = 16;

std::string name_of(const bulk_reads::call& what) {
  std::string out;
  for (const std::string& argument : what)
    out.append(argument).append(1, '\0');
  return out;
}

// A reply begins with the cost, or with the cursor and the cost.
std::int64_t cost_of(redis::reply_view reply) {
  redis::reply_view const first = reply[0];
  return first.is_array() ? first[first.size() - 1].integer() : first.integer();
}

} // namespace

double bulk_reads::price(std::int64_t looks) {
  return static_cast<double>(looks) / looks_per_request;
}

bulk_reads::ticket bulk_reads::ask(call what, asker who) {
  read_ptr& known = queued_[name_of(what)];
  if (!known)
    known = std::make_shared<read>(read{std::move(what), {}});
  // Whoever may read it first has it read for all.
  const std::string& payer = who.payer.key();
  if (std::none_of(known->waiters.begin(), known->waiters.end(),
                   [&](const waiter& w) { return w.who.payer.key() == payer; }))
    enqueue(payer, known);
  ticket const id = ++last_ticket_;
  tickets_.emplace(id, known);
  known->waiters.push_back({id, std::move(who)});
  if (under_way_ < at_once_)
    go_on();
  return id;
}

void bulk_reads::enqueue(const std::string& payer, read_ptr r) {
  auto at = groups_.find(payer);
  if (at == groups_.end()) {
    turns_.push_back({payer, {}});
    at = groups_.emplace(payer, std::prev(turns_.end())).first;
  }
  at->second->reads.push_back(std::move(r));
}

void bulk_reads::drop(ticket t) {
  auto const at = tickets_.find(t);
  if (at == tickets_.end())
    return;
  auto& waiters = at->second->waiters;
  auto const here = std::find_if(waiters.begin(), waiters.end(), [t](const waiter& w) { return w.id == t; });
  if (at->second->sent)
    here->who.done = nullptr;
  else
    waiters.erase(here);
  tickets_.erase(at);
}

bool bulk_reads::drop_unsent(ticket t) {
  auto const at = tickets_.find(t);
  if (at == tickets_.end() || at->second->sent)
    return false;
  drop(t);
  return true;
}

void bulk_reads::go_on() {
  while (under_way_ < at_once_) {
    read_ptr r = next();
    if (!r)
      return;
    send(std::move(r));
  }
}

// The next read that may be made; null if there is none. Addresses that must wait keep their turns.
bulk_reads::read_ptr bulk_reads::next() {
  for (auto at = turns_.begin(); at != turns_.end();) {
    read_ptr r = at->reads.front();
    // Sent: in the turn of another who waits for it too.
    bool const go = !r->sent && may_go(*r);
    if (!go && !r->sent && !r->waiters.empty()) {
      ++at;
      continue;
    }
    bool const last_of_group = at->reads.size() == 1;
    auto const after = std::next(at);
    take_first(at);
    if (go)
      return r;
    if (after != turns_.end() || last_of_group)
      at = after;
  }
  return nullptr;
}

// Refuses whoever is not to wait, and returns true if anybody is left who may read now.
bool bulk_reads::may_go(read& r) {
  bool go = false;
  auto const now = by_.now();
  std::erase_if(r.waiters, [&](waiter& w) {
    unsigned const wait = w.who.payer.wait(now);
    go = go || wait == 0;
    if (wait == 0 || w.who.when_in_debt == manners::patient)
      return false;
    tickets_.erase(w.id);
    by_.post([done = std::move(w.who.done), wait] { done({{}, {}, wait}); });
    return true;
  });
  return go;
}

// Takes the group's first read out of its queue; the group's next turn comes after all others'.
void bulk_reads::take_first(std::list<group>::iterator of) {
  const read_ptr& r = of->reads.front();
  // Another of the same call may be queued by now.
  if (auto const at = queued_.find(name_of(r->what)); at != queued_.end() && at->second == r)
    queued_.erase(at);
  of->reads.pop_front();
  if (!of->reads.empty())
    return turns_.splice(turns_.end(), turns_, of);
  groups_.erase(of->payer);
  turns_.erase(of);
}

void bulk_reads::send(read_ptr r) {
  ++under_way_;
  r->sent = true;
  const call& what = r->what;
  by_.send(what, [this, r = std::move(r), alive = alive_](error_code ec, redis::reply_view reply) {
    if (*alive)
      on_reply(*r, ec, reply);
  });
}

void bulk_reads::on_reply(read& r, error_code ec, redis::reply_view reply) {
  --under_way_;
  std::int64_t const looks = ec ? 0 : cost_of(reply);
  at_once_ = looks > small_looks ? 1 : std::min(at_once_ + 1, most_at_once);
  auto const now = by_.now();
  for (const waiter& w : r.waiters)
    w.who.payer.pay(price(looks), now);
  // A handler may ask again, and drop others that wait for this.
  while (!r.waiters.empty()) {
    waiter const w = std::move(r.waiters.front());
    r.waiters.pop_front();
    tickets_.erase(w.id);
    if (w.who.done)
      survive([&] { w.who.done({ec, reply}); });
  }
  go_on();
}

} // namespace jobcast::store
