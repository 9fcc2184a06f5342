#include "jobcast/store/lists.hpp"

#include "jobcast/base/strings.hpp"

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <iterator>
#include <memory>
#include <utility>

namespace jobcast::store {

namespace {

// A record without its result takes up to 16 KB, one with it as much as limits.result allows: Redis is busy for about
// 2 ms with so many of 64 KiB.
constexpr std::ptrdiff_t ids_at_once = 25;
constexpr std::size_t most_bytes = 512 * 1024;

bulk_reads::call call_of(std::string_view function, std::string_view ns, std::string scope, arguments rest) {
  auto out = strings("FCALL", function, "1", ns, std::move(scope));
  std::move(rest.begin(), rest.end(), std::back_inserter(out));
  return out;
}

void add_records(page& into, redis::reply_view reply, std::size_t first) {
  into.cursor = reply[0][0].text();
  for (std::size_t i = first; i < reply.size(); ++i)
    into.records.push_back(read_record(reply[i]));
}

std::optional<history_page> read_history(redis::reply_view reply) {
  if (!reply.is_array())
    return std::nullopt;
  history_page out;
  out.cursor = reply[0][0].text();
  for (std::size_t i = 1; i < reply.size(); ++i) {
    redis::reply_view const fields = reply[i];
    history_entry& entry = out.entries.emplace_back();
    for (std::size_t f = 0; f + 1 < fields.size(); f += 2)
      entry.fields.emplace_back(fields[f].text(), fields[f + 1].text());
  }
  return out;
}

std::vector<record> read_rows(redis::reply_view reply) {
  std::vector<record> out;
  for (std::size_t i = 1; i < reply.size(); ++i)
    if (reply[i].is_array())
      out.push_back(read_record(reply[i]));
  return out;
}

failure too_many(unsigned wait_s) {
  return {failure::kind::too_many, {}, {}, wait_s};
}

} // namespace

template <class Page>
task<result<Page>> lists::ask(bulk_reads::call what, reader by, std::function<Page(redis::reply_view)> parse,
                              bulk_reads::manners when_in_debt) {
  result<Page> out = failure{failure::kind::unavailable, {}, "the client has left"};
  // Named, and everything by reference: they live in this frame until it goes on.
  auto initiate = [&](auto resume) {
    auto shared = std::make_shared<decltype(resume)>(std::move(resume));
    auto done = [shared, &out, &parse](const bulk_reads::outcome& o) {
      if (o.wait_s > 0)
        out = too_many(o.wait_s);
      else if (o.ec || o.reply.is_error())
        out = failure_of(o.ec, o.reply);
      else
        out = parse(o.reply);
      std::move (*shared)();
    };
    auto const ticket = reads_.ask(std::move(what), {std::move(by.payer), when_in_debt, std::move(done)});
    if (!by.client)
      return;
    // Weak, since the client's connection lives in a frame that this one's handler owns.
    auto const leave = [this, ticket, weak = std::weak_ptr(shared)] {
      if (auto alive = weak.lock(); alive && reads_.drop_unsent(ticket))
        asio::post(executor_, [alive = std::move(alive)] { std::move (*alive)(); });
    };
    by.client->gone() ? leave() : by.client->when_gone(leave);
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>, void()>(initiate, use_awaitable);
  if (by.client)
    by.client->when_gone(nullptr);
  co_return out;
}

task<result<page>> lists::list(std::string scope, arguments filters, reader by) {
  filters.insert(filters.end(), {"cost", "1"});
  return ask<page>(call_of("jobcast_list", ns_, std::move(scope), std::move(filters)), std::move(by),
                   [](redis::reply_view reply) {
                     page out;
                     add_records(out, reply, 1);
                     return out;
                   });
}

task<result<inbox_page>> lists::inbox(std::string scope, arguments filters, reader by) {
  filters.insert(filters.end(), {"cost", "1"});
  return ask<inbox_page>(call_of("jobcast_inbox", ns_, std::move(scope), std::move(filters)), std::move(by),
                         [](redis::reply_view reply) {
                           inbox_page out;
                           out.unseen = static_cast<std::uint64_t>(reply[1].integer());
                           add_records(out, reply, 2);
                           return out;
                         });
}

task<result<std::optional<history_page>>> lists::history(std::string id, arguments fields, reader by) {
  fields.insert(fields.end(), {"cost", "1"});
  return ask<std::optional<history_page>>(call_of("jobcast_history", ns_, std::move(id), std::move(fields)),
                                          std::move(by), read_history);
}

task<result<std::vector<record>>> lists::by_ids(std::vector<std::string> ids, std::string scope, reader by) {
  std::vector<record> all;
  std::size_t room = most_bytes;
  // What has begun is not refused in its middle.
  auto manners = bulk_reads::manners::refused;
  for (auto at = ids.begin(); at != ids.end();) {
    auto const end = at + std::min<std::ptrdiff_t>(ids_at_once, ids.end() - at);
    arguments rest = strings("lean", std::to_string(room));
    rest.insert(rest.end(), std::make_move_iterator(at), std::make_move_iterator(end));
    auto part =
        co_await ask<std::vector<record>>(call_of("jobcast_read", ns_, scope, std::move(rest)), by, read_rows, manners);
    manners = bulk_reads::manners::patient;
    if (!part)
      co_return part.error();
    for (record& one : *part) {
      room -= std::min(room, one.json.size());
      all.push_back(std::move(one));
    }
    at = end;
  }
  co_return all;
}

} // namespace jobcast::store
