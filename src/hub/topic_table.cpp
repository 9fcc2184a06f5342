#include "jobcast/hub/topic_table.hpp"

#include <utility>

namespace jobcast::hub {

namespace {
constexpr std::size_t first_buckets = 16;
}

topic_table::topic_table()
    : buckets_(first_buckets)
    , topics_(set::bucket_traits(buckets_.data(), buckets_.size())) {}

topic_table::~topic_table() {
  topics_.clear_and_dispose([](topic* t) { delete t; });
}

topic* topic_table::find(std::string_view id) {
  auto const at = topics_.find(id);
  return at == topics_.end() ? nullptr : &*at;
}

topic& topic_table::add(std::string_view id) {
  if (topics_.size() == buckets_.size()) {
    std::vector<set::bucket_type> more(buckets_.size() * 2);
    topics_.rehash(set::bucket_traits(more.data(), more.size()));
    buckets_.swap(more);
  }
  auto* t = topic::make(id);
  topics_.insert(*t);
  return *t;
}

void topic_table::erase(topic& t) {
  topics_.erase_and_dispose(topics_.iterator_to(t), [](topic* gone) { delete gone; });
}

} // namespace jobcast::hub
