// Cache block sizes of the GEMM, as data. Upper bounds: the driver divides each dimension evenly
// into as few blocks as they allow.
#pragma once

#include <cstdint>

#include "simd/isa.h"

namespace tfmini {

struct GemmBlocks {
  // A panel of B, tile columns x `depth`, stays in the first-level cache while `rows` x `depth` of A,
  // in the second-level cache, pass by it.
  int64_t rows, depth;
  // Columns of a task, at most: wide enough to pay for packing its block of A.
  int64_t cols;
  // What is packed of B at a time, for all tasks to share: must fit the last-level cache.
  int64_t packed_cols, packed_depth;
};

// Sizes for float; a double takes twice the room, so it gets half the depth.
inline GemmBlocks gemm_blocks(Isa isa, int element_bytes) {
  GemmBlocks b;
  switch (isa) {
    case Isa::kAVX512:
      b = {252, 384, 1024, 1536, 1152};
      break;
    case Isa::kAVX2:
      b = {192, 320, 1024, 1536, 1280};
      break;
    default:
      b = {128, 256, 512, 1024, 1024};
      break;
  }
  if (element_bytes == 8) {
    b.depth /= 2;
    b.packed_depth /= 2;
  }
  return b;
}

// Room for a panel of B of any instruction set, 384 steps of 32 floats, and for one of wide tiles.
constexpr int64_t kPanelBytes = 48 << 10, kWidePanelBytes = kPanelBytes * 3 / 2;

}  // namespace tfmini
