#include "jobcast/stream/host.hpp"

#include "jobcast/auth/viewer.hpp"

namespace jobcast::stream {

std::optional<net::admission::ticket> admit_stream(host& h, const auth::identity_ptr& who) {
  std::string const viewer = who ? auth::viewer_name(*who) : std::string();
  if (viewer.empty())
    return net::admission::ticket();
  auto place = h.admission.open_stream(viewer);
  if (place)
    return place;
  h.counters.busy_refused.add();
  return std::nullopt;
}

net::admission::client holder_of(const auth::identity_ptr& who, const asio::ip::address& address) {
  if (who && who->publish)
    return {.publisher = true};
  return {address, who ? auth::viewer_name(*who) : std::string(), !who};
}

} // namespace jobcast::stream
