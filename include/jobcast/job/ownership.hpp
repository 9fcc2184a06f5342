// Whose job a record is, read from the record. Only where access is judged: not for every event. Pure.
#pragma once

#include <string>
#include <string_view>

namespace jobcast::job {

/// Members that are absent are empty.
struct ownership {
  std::string id, owner, tenant, type;
};

/// Of a record as the function library writes it; all empty if it is no JSON object.
ownership ownership_of(std::string_view record);

} // namespace jobcast::job
