// Cuts what a subscribed RESP2 connection brings into pushes, without making a tree of each.
//
// The problem: every update of every watched job comes this way, and hiredis' reader makes four allocations, and as
// many frees, for each. All that can come are arrays of a few texts and numbers, and single lines; views into the bytes
// read are enough.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace jobcast::redis {

/// Views are valid until the next call of push_reader::read().
struct push {
  static constexpr std::size_t most = 4;

  std::array<std::string_view, most> parts; ///< texts, and numbers as text; of a single line its text
  std::size_t count = 0;
  bool error = false; ///< a single line that says what went wrong

  std::string_view operator[](std::size_t i) const { return i < count ? parts[i] : std::string_view{}; }
};

/// No I/O. Bytes may be split anywhere.
class push_reader {
 public:
  /// Hands every push that `bytes` completes to `on_push(const push&)`, which returns whether to go on; once it has
  /// said no, the rest is dropped and the reader is of no further use. False: this is not what a subscribed connection
  /// may bring, see failure().
  template <class OnPush>
  bool read(std::string_view bytes, OnPush&& on_push);

  /// What was wrong with the bytes, after read() returned false.
  const char* failure() const { return failure_; }

 private:
  enum class outcome { complete, incomplete, wrong };

  /// Takes one push off the front of `bytes`.
  outcome take(std::string_view& bytes, push& into);
  outcome take_part(std::string_view& bytes, std::string_view& into);
  outcome refuse(const char* why);

  std::string rest_; ///< a push that has not wholly come
  const char* failure_ = "";
};

template <class OnPush>
bool push_reader::read(std::string_view bytes, OnPush&& on_push) {
  bool const joined = !rest_.empty();
  if (joined)
    bytes = rest_.append(bytes);
  for (push one; !bytes.empty();) {
    outcome const how = take(bytes, one);
    if (how == outcome::wrong)
      return false;
    if (how == outcome::incomplete)
      break;
    if (!on_push(static_cast<const push&>(one)))
      return true;
  }
  if (joined)
    rest_.erase(0, rest_.size() - bytes.size());
  else
    rest_.assign(bytes);
  return true;
}

} // namespace jobcast::redis
