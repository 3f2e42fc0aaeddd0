// Where the intermediate values of a plan live: a pure function from lifetimes to offsets in one
// arena.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tfmini {

struct Lifetime {
  size_t bytes = 0;
  int32_t begin = 0;  // instruction that writes it
  int32_t end = 0;    // last instruction that reads it (inclusive)
};

struct Arena {
  std::vector<size_t> offsets;  // one per lifetime, multiples of kAlignment
  size_t bytes = 0;
};

// Best fit in order of creation; memory freed last is taken first, while it is still in cache.
// Lifetimes must be ordered by `begin`.
Arena plan_memory(const std::vector<Lifetime>& lifetimes);

}  // namespace tfmini
