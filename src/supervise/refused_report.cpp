#include "jobcast/supervise/refused_report.hpp"

namespace jobcast::supervise {

refused_report read_refused_report(redis::reply_view fields) {
  refused_report out;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    std::string_view const name = fields[i].text(), value = fields[i + 1].text();
    if (name == "id")
      out.id = value;
    else if (name == "field")
      out.field = value;
    else if (name == "reason")
      out.reason = value;
  }
  return out;
}

} // namespace jobcast::supervise
