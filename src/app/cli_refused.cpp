// `jobcast refused`: the reports that were refused, straight from Redis.
#include "jobcast/app/cli.hpp"
#include "jobcast/base/printable.hpp"
#include "jobcast/supervise/refused_report.hpp"
#include "redis_asker.hpp"

#include <charconv>
#include <fmt/format.h>
#include <ostream>

namespace jobcast::app {

int refused(const settings& config, std::ostream& out, std::ostream& errors) {
  auto const where = address_to_ask(config, errors);
  if (!where)
    return 2;
  redis_asker redis(*where);
  auto const owned = redis.ask({"XREVRANGE", config.redis.ns + ":refused", "+", "-"});
  if (!owned) {
    errors << "jobcast: redis: " << redis.failure << "\n";
    return 1;
  }
  redis::reply_view const entries = owned.get();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::string_view const entry_id = entries[i][0].text();
    std::int64_t ms = 0;
    std::from_chars(entry_id.data(), entry_id.data() + entry_id.size(), ms);
    auto const [id, field, reason] = supervise::read_refused_report(entries[i][1]);
    out << fmt::format("{}\t{}\t{}\t{}\n", utc_text(ms), printable(id), printable(field), printable(reason));
  }
  return 0;
}

} // namespace jobcast::app
