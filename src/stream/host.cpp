#include "jobcast/stream/host.hpp"

#include <vector>

namespace jobcast::stream {

namespace {

// Who shares the places of a viewer. Those who come with a link, or a token for jobs alone, are nobody in particular,
// so they share those of what they may see, and take none of its owner's. Empty: not counted.
std::string viewer_of(const auth::identity& who) {
  if (who.publish)
    return {};
  bool const by_link = who.what == auth::identity::kind::link;
  if (!who.sub.empty())
    return (by_link ? "link\n" : "") + who.tenant + '/' + who.sub;
  // The same jobs are the same viewer, in whatever order and however often they are named.
  std::vector<std::string_view> jobs(who.jobs.begin(), who.jobs.end());
  std::sort(jobs.begin(), jobs.end());
  jobs.erase(std::unique(jobs.begin(), jobs.end()), jobs.end());
  std::string all;
  for (std::string_view const id : jobs)
    all.append(1, '\n').append(id);
  return all.empty() ? all : who.tenant + '/' + all;
}

} // namespace

std::optional<net::admission::ticket> admit_stream(host& h, const auth::identity_ptr& who) {
  std::string const viewer = who ? viewer_of(*who) : std::string();
  if (viewer.empty())
    return net::admission::ticket();
  auto place = h.admission.open_stream(viewer);
  if (place)
    return place;
  h.counters.busy_refused.add();
  return std::nullopt;
}

} // namespace jobcast::stream
