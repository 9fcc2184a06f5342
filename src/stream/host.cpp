#include "jobcast/stream/host.hpp"

namespace jobcast::stream {

std::optional<net::admission::ticket> admit_stream(host& h, const auth::identity_ptr& who) {
  if (!who || who->sub.empty() || who->publish)
    return net::admission::ticket();
  auto place = h.admission.open_stream(who->tenant + '/' + who->sub);
  if (place)
    return place;
  h.counters.busy_refused.add();
  return std::nullopt;
}

} // namespace jobcast::stream
