#include "jobcast/app/redis_backend.hpp"

#include "jobcast/store/store.hpp"

#include <memory>

namespace jobcast::app {

// Hubs are handed views of records, not copies.
void redis_backend::read(std::vector<std::string> ids) {
  auto shared = std::make_shared<const std::vector<std::string>>(std::move(ids));
  std::vector<std::string_view> call{"FCALL", "jobcast_get", "1", ns_};
  call.insert(call.end(), shared->begin(), shared->end());
  client_.call(call, [this, shared](error_code ec, redis::reply_view reply) {
    if (ec || !reply.is_array())
      return hub_.on_read_failed(*shared);
    for (std::size_t i = 0; i < shared->size(); ++i) {
      if (!reply[i].is_array()) {
        hub_.on_absent((*shared)[i]);
        continue;
      }
      store::record_view const r = store::view_record(reply[i]);
      hub_.on_record((*shared)[i], r.version, r.final, r.json);
    }
  });
}

void redis_backend::list(const std::string& scope, std::int64_t since, std::uint64_t ticket) {
  std::string const since_text = std::to_string(since);
  std::vector<std::string_view> call{"FCALL", "jobcast_list", "1", ns_, scope, "snapshot", "1"};
  if (since > 0)
    call.insert(call.end(), {"since", since_text});
  client_.call(call, [this, ticket](error_code ec, redis::reply_view reply) {
    if (ec || !reply.is_array())
      return hub_.on_list_failed(ticket);
    std::vector<hub::listed_record> records;
    for (std::size_t i = 1; i < reply.size(); ++i) {
      store::record_view const r = store::view_record(reply[i]);
      records.push_back({store::id_of_record(r.json), r.version, r.final, r.json});
    }
    hub_.on_listed(ticket, records, reply[0].text());
  });
}

} // namespace jobcast::app
