#include "jobcast/job/ownership.hpp"

#include "jobcast/base/json_member.hpp"

namespace jobcast::job {

ownership ownership_of(std::string_view record) {
  brief_json const parsed(record);
  const auto* const object = parsed.object();
  ownership out;
  if (!object)
    return out;
  out.id = text_member(*object, "id");
  out.owner = text_member(*object, "owner");
  out.tenant = text_member(*object, "tenant");
  out.type = text_member(*object, "type");
  return out;
}

} // namespace jobcast::job
