// What a fuzz target says must hold.
#pragma once

#include <cstdlib>

inline void require(bool holds) {
  if (!holds)
    std::abort();
}
