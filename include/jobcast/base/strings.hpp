// Lists of strings without braces: GCC 12 cannot compile an initializer list inside a coroutine.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace jobcast {

template <class... Parts>
std::vector<std::string> strings(Parts&&... parts) {
  std::vector<std::string> out;
  out.reserve(sizeof...(parts));
  (out.emplace_back(std::forward<Parts>(parts)), ...);
  return out;
}

} // namespace jobcast
