#include "jobcast/store/watch_reads.hpp"

#include "jobcast/store/store.hpp"

#include <memory>
#include <utility>

namespace jobcast::store {

namespace {

constexpr std::size_t records_per_call = 100;
// Of one address, if others wait.
constexpr std::size_t ids_per_turn = 25;

// As src/store/functions/read.lua reckons it.
std::int64_t looks_of(redis::reply_view row) {
  return 4 + static_cast<std::int64_t>(view_record(row).json.size() / 512);
}

} // namespace

watch_reads::group& watch_reads::group_of(const net::admission::payer& payer) {
  auto at = groups_.find(payer.key());
  if (at == groups_.end()) {
    turns_.push_back({payer, {}});
    at = groups_.emplace(payer.key(), std::prev(turns_.end())).first;
  }
  return *at->second;
}

void watch_reads::add(std::string id, const net::admission::payer& payer) {
  group_of(payer).ids.push_back(std::move(id));
}

void watch_reads::go_on() {
  if (under_way_)
    return;
  if (batch items = next(); !items.empty())
    send(std::move(items));
}

watch_reads::batch watch_reads::next() {
  batch items;
  auto const now = by_.now();
  // Each group is looked at as often as it still has something to give.
  for (std::size_t left = turns_.size(); left > 0 && items.size() < records_per_call; --left) {
    auto const at = turns_.begin();
    turns_.splice(turns_.end(), turns_, at);
    if (at->payer.wait(now) > 0)
      continue;
    for (std::size_t taken = 0; !at->ids.empty() && taken < ids_per_turn && items.size() < records_per_call;) {
      std::string id = std::move(at->ids.front());
      at->ids.pop_front();
      if (!by_.wanted(id))
        continue;
      items.push_back({std::move(id), at->payer});
      ++taken;
    }
    if (at->ids.empty()) {
      groups_.erase(at->payer.key());
      turns_.erase(at);
    } else {
      ++left;
    }
  }
  return items;
}

void watch_reads::send(batch items) {
  under_way_ = true;
  bulk_reads::call call{"FCALL", "jobcast_read", "1", ns_, "", "later", std::string(page_bytes)};
  for (const item& one : items)
    call.push_back(one.id);
  auto shared = std::make_shared<const batch>(std::move(items));
  lane_.ask(std::move(call), {.payer = {},
                              .when_in_debt = bulk_reads::manners::patient,
                              .done = [this, shared](const bulk_reads::outcome& o) { on_reply(*shared, o); }});
}

void watch_reads::on_reply(const batch& items, const bulk_reads::outcome& o) {
  under_way_ = false;
  if (o.ec || !o.reply.is_array()) {
    std::vector<std::string> ids;
    for (const item& one : items)
      ids.push_back(one.id);
    by_.failed(ids);
    return go_on();
  }
  auto const now = by_.now();
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto const& [id, payer] = items[i];
    redis::reply_view const row = o.reply[i + 1];
    if (row.is_array())
      payer.pay(bulk_reads::price(looks_of(row)), now);
    if (row.is_array() || row.is_nil())
      by_.got(id, row);
    else
      add(id, payer); // it found no room in this reply
  }
  go_on();
}

} // namespace jobcast::store
