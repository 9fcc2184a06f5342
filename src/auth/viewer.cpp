#include "jobcast/auth/viewer.hpp"

#include <algorithm>

namespace jobcast::auth {

std::string viewer_name(const identity& who) {
  if (who.publish)
    return {};
  bool const by_link = who.what == identity::kind::link;
  if (!who.sub.empty())
    return (by_link ? "link\n" : "") + who.tenant + '/' + who.sub;
  auto const first = std::min_element(who.jobs.begin(), who.jobs.end());
  return first == who.jobs.end() ? std::string() : who.tenant + "/\n" + *first;
}

} // namespace jobcast::auth
