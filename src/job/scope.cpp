#include "jobcast/job/scope.hpp"

#include "jobcast/base/percent_encoding.hpp"

namespace jobcast::job {

std::string scope_key(std::string_view tenant, std::string_view owner) {
  std::string key;
  append_percent_encoded(key, tenant);
  key += '/';
  append_percent_encoded(key, owner);
  return key;
}

} // namespace jobcast::job
