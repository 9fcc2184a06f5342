#include "jobcast/job/ownership.hpp"

#include "jobcast/base/json_members.hpp"

namespace jobcast::job {

ownership ownership_of(std::string_view record) {
  ownership out;
  auto const member = [&out](std::string_view name) -> std::string* {
    return name == "id"       ? &out.id
           : name == "owner"  ? &out.owner
           : name == "tenant" ? &out.tenant
           : name == "type"   ? &out.type
                              : nullptr;
  };
  // The first of a name counts: the library writes these before anything of a worker's.
  for (json_members all(record); all.next();)
    if (std::string* const into = member(all.name()); into && into->empty())
      *into = json_text(all.value());
  return out;
}

} // namespace jobcast::job
