#include "jobcast/job/ownership.hpp"

#include "jobcast/base/json_members.hpp"

namespace jobcast::job {

ownership ownership_of(std::string_view record) {
  ownership out;
  for (json_members all(record); all.next();)
    if (all.name() == "id")
      out.id = json_text(all.value());
    else if (all.name() == "owner")
      out.owner = json_text(all.value());
    else if (all.name() == "tenant")
      out.tenant = json_text(all.value());
    else if (all.name() == "type")
      out.type = json_text(all.value());
  return out;
}

} // namespace jobcast::job
