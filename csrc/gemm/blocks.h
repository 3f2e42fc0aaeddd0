// Cache block sizes of the GEMM, as data. Upper bounds: the driver divides each dimension evenly
// into as few blocks as they allow.
#pragma once

#include <cstdint>

#include "simd/isa.h"

namespace tfmini {

struct GemmBlocks {
  // A task: `rows` x `depth` of A and `cols` x `depth` of B stay in the second-level cache while one
  // panel of A, tile rows x `depth`, stays in the first-level cache.
  int64_t rows, cols, depth;
  // What is packed at a time, for all tasks to share: must fit the last-level cache.
  int64_t packed_rows, packed_cols, packed_depth;
};

// Sizes for float; a double takes twice the room, so it gets half the depth.
inline GemmBlocks gemm_blocks(Isa isa, int element_bytes) {
  GemmBlocks b;
  switch (isa) {
    case Isa::kAVX512:
      b = {252, 256, 384, 1512, 1536, 1152};
      break;
    case Isa::kAVX2:
      b = {192, 256, 320, 1536, 1536, 960};
      break;
    default:
      b = {128, 128, 256, 1024, 1024, 1024};
      break;
  }
  if (element_bytes == 8) {
    b.depth /= 2;
    b.packed_depth /= 2;
  }
  return b;
}

}  // namespace tfmini
