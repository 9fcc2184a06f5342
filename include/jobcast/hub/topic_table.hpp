// Topics by the id of their job.
//
// The problem: of what an update costs the gateway, most is waiting for memory. With ten thousand jobs neither the
// table nor the topic is in the processor's cache, so each step between the id and the topic is one more wait. Here a
// bucket points to the topic itself, which holds its id and the hash of it.
#pragma once

#include "jobcast/hub/watch.hpp"

#include <boost/intrusive/unordered_set.hpp>
#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace jobcast::hub {

/// Owns its topics, whose addresses stay.
class topic_table {
 public:
  topic_table();
  ~topic_table();
  topic_table(const topic_table&) = delete;
  topic_table& operator=(const topic_table&) = delete;

  /// Null if there is none.
  topic* find(std::string_view id);
  /// Makes one; there must be none yet.
  topic& add(std::string_view id);
  void erase(topic& t);
  template <class Condition>
  void erase_if(Condition met);
  std::size_t size() const { return topics_.size(); }

  auto begin() { return topics_.begin(); }
  auto end() { return topics_.end(); }

 private:
  struct key {
    using type = std::string_view;
    type operator()(const topic& t) const { return t.id(); }
  };
  using set = intrusive::unordered_set<topic, intrusive::member_hook<topic, topic::table_hook, &topic::in_table>,
                                       intrusive::key_of_value<key>, intrusive::hash<std::hash<std::string_view>>,
                                       intrusive::power_2_buckets<true>>;

  std::vector<set::bucket_type> buckets_;
  set topics_;
};

template <class Condition>
void topic_table::erase_if(Condition met) {
  for (auto at = begin(); at != end();)
    if (topic& t = *at++; met(t))
      erase(t);
}

} // namespace jobcast::hub
