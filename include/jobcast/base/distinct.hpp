// Texts in the order in which they were added, each once, up to a limit.
//
// Lists of strangers are read through this: the cost of a list grows with its length alone, and reading ends at the
// limit, however long the list goes on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace jobcast {

class distinct {
 public:
  explicit distinct(std::size_t most)
      : most_(most) {}

  /// Returns false if `text` is new and there is no room for it. What `text` views must outlive this.
  bool add(std::string_view text) {
    if (known_.contains(text))
      return true;
    if (texts_.size() == most_)
      return false;
    known_.insert(text);
    texts_.emplace_back(text);
    return true;
  }

  bool empty() const { return texts_.empty(); }
  std::vector<std::string> take() { return std::move(texts_); }

 private:
  std::size_t most_;
  std::unordered_set<std::string_view> known_;
  std::vector<std::string> texts_;
};

} // namespace jobcast
