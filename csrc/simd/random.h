// Blocks of Philox4x32-10 words, many counters at a time.
#pragma once

#include <cstdint>

#include "core/philox.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

struct RandomTable {
  // out[4 * i .. 4 * i + 3] = block i of the stream that starts at `generator`.
  void (*words)(const Philox& generator, uint32_t* out, int64_t blocks);
};

TFMINI_SIMD_TABLE(RandomTable, random_table)

}  // namespace tfmini::simd
