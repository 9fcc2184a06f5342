// What one WebSocket watches: jobs by name, and at most one owner's. It says nothing to the client but the `end` of a
// job; what the client asked for was judged before.
#pragma once

#include "jobcast/hub/hub.hpp"
#include "jobcast/stream/outbox.hpp"

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobcast::stream {

struct owner_name {
  std::string_view tenant, owner;
};

/// Of one watcher of one hub, which all members are given. Most connections watch one job: so that it stays small.
class ws_watches {
 public:
  /// Jobs watched by name.
  std::size_t size() const { return links_.size(); }
  bool watches(std::string_view job) const { return find(job) != nullptr; }
  /// `job` is not watched yet. `known`: the version that the client has; 0: none.
  void watch(hub::hub& h, hub::watcher& by, std::string_view job, std::uint64_t known, bool every,
             const net::admission::payer& payer);
  /// `jobs` are sorted; what of them is not watched is left alone.
  void unwatch(hub::hub& h, const std::vector<std::string>& jobs);

  /// The owner whose jobs are watched, if one is; valid until that ends.
  std::optional<owner_name> followed() const;
  bool follows(std::string_view scope) const { return feed_ && feed_->scope == scope; }
  /// No owner is followed yet. `scope` is that of `whose`.
  void follow(hub::hub& h, hub::watcher& by, owner_name whose, std::string scope, bool every,
              net::admission::payer payer);
  void unfollow(hub::hub& h);

  /// The watcher has other credentials.
  void judge_again(hub::hub& h);
  /// The connection is over.
  void leave(hub::hub& h);

  /// Before a send: drops what the client has already, adds the `end` of what becomes final, and forgets what ended.
  void prepare(hub::hub& h, hub::dirty_links& dirty, outbox& box);

 private:
  struct link : hub::link {
    std::uint64_t known = 0; ///< the version the client said it has
    hub::event_ptr end;      ///< on its way: nothing more will come
  };
  struct feed : hub::feed_member {
    std::string scope, tenant, owner;
  };

  link* find(std::string_view job) const;
  template <class Condition>
  void drop(hub::hub& h, Condition met);
  bool is_over(link& l, outbox& box);

  boost::container::small_vector<std::unique_ptr<link>, 1> links_;
  std::unique_ptr<feed> feed_;
  bool some_end_ = false; ///< an `end` of some link is on its way
};

} // namespace jobcast::stream
