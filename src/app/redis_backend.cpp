#include "jobcast/app/redis_backend.hpp"

#include "jobcast/store/store.hpp"

#include <memory>

namespace jobcast::app {

// Hubs are handed views of records, not copies.
void redis_backend::read(std::vector<std::string> ids) {
  auto shared = std::make_shared<const std::vector<std::string>>(std::move(ids));
  std::vector<std::string_view> call{"FCALL", "jobcast_read", "1", ns_, "", "later", store::page_bytes};
  call.insert(call.end(), shared->begin(), shared->end());
  client_.call(call, [this, shared](error_code ec, redis::reply_view reply) {
    if (ec || !reply.is_array())
      return hub_.on_read_failed(*shared);
    for (std::size_t i = 0; i < shared->size(); ++i) {
      const std::string& id = (*shared)[i];
      redis::reply_view const row = reply[i + 1];
      if (row.is_nil()) {
        hub_.on_absent(id);
      } else if (!row.is_array()) {
        hub_.on_unread(id);
      } else {
        store::record_view const r = store::view_record(row);
        hub_.on_record(id, r.version, r.final, r.json);
      }
    }
  });
}

void redis_backend::list(const std::string& scope, std::int64_t since, std::uint64_t ticket,
                         const net::admission::payer& payer) {
  store::bulk_reads::call call{"FCALL", "jobcast_list", "1", ns_, scope, "snapshot", "1", "cost", "1"};
  if (since > 0)
    call.insert(call.end(), {"since", std::to_string(since)});
  auto done = [this, ticket](const store::bulk_reads::outcome& o) {
    awaited_.erase(ticket);
    if (o.ec || !o.reply.is_array())
      return hub_.on_list_failed(ticket);
    std::vector<hub::listed_record> records;
    for (std::size_t i = 1; i < o.reply.size(); ++i) {
      store::record_view const r = store::view_record(o.reply[i]);
      records.push_back({store::id_of_record(r.json), r.version, r.final, r.json});
    }
    hub_.on_listed(ticket, records, o.reply[0][0].text());
  };
  awaited_[ticket] = lists_.ask(std::move(call), {payer, store::bulk_reads::manners::patient, std::move(done)});
}

void redis_backend::drop_list(std::uint64_t ticket) {
  if (auto const at = awaited_.extract(ticket))
    lists_.drop(at.mapped());
}

} // namespace jobcast::app
