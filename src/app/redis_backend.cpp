#include "jobcast/app/redis_backend.hpp"

#include "jobcast/store/store.hpp"

#include <memory>

namespace jobcast::app {

void redis_backend::read(std::vector<hub::record_read> records) {
  for (hub::record_read& one : records)
    reads_.add(std::move(one.id), one.payer);
  reads_.go_on();
}

// Hubs are handed views of records, not copies.
void redis_backend::on_row(std::string_view id, redis::reply_view row) {
  if (row.is_nil())
    return hub_.on_absent(id);
  store::record_view const r = store::view_record(row);
  hub_.on_record(id, r.version, r.final, r.json);
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
