// Which kernel a product gets: a pure function of its sizes and the chip. The rates are multiply-adds per cycle and
// multiprocessor that the kernels' designs allow; they only have to rank the candidates.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gemm/indices.cuh"

namespace tfmini::cuda {

// The chip's side of the choice.
struct Chip {
  int major = 8, minor = 0;
  int multiprocessors = 108;
};

enum class GemmKernel { kSimt, kMma, kWgmma };

struct GemmPlan {
  GemmKernel kernel = GemmKernel::kSimt;
  int tile_m = 64, tile_n = 64;
  int splits = 1;
  int split_depth = 0;  // steps along k of one part
  int cluster = 1;      // blocks that share columns of B
};

struct GemmSizes {
  int64_t m = 0, n = 0, k = 0, batch = 1;
  int element_bytes = 4;
  bool tensor_cores = false;  // 16-bit elements, or float rounded to TF32
  bool wgmma = false;         // the kernel of sm_90a can take these operands,
  bool gathered = false;      // in its variant that gathers A,
  double copied_bytes = 0;    // after transposing some of them: bytes read and written
};

// Parts of k are multiples of this, which is a multiple of the depth of every kernel's tile.
inline constexpr int kSplitUnit = 64;

inline GemmPlan choose_gemm(const GemmSizes& g, const Chip& chip) {
  struct Candidate {
    GemmKernel kernel;
    int m, n;
    double rate;   // at 16-bit elements; TF32 has half of it
    int per_chip;  // blocks that one multiprocessor runs at a time
  };
  static constexpr Candidate kCandidates[] = {
      {GemmKernel::kWgmma, 128, 256, 1600, 1}, {GemmKernel::kWgmma, 128, 128, 1300, 1},
      {GemmKernel::kMma, 128, 128, 900, 2},    {GemmKernel::kMma, 64, 64, 550, 4},
      {GemmKernel::kSimt, 128, 128, 110, 1},   {GemmKernel::kSimt, 64, 64, 75, 2},
  };
  constexpr double kTileCycles = 1500;     // first loads, and the tile's end
  constexpr double kLaunchCycles = 4000;   // of a second kernel
  constexpr double kBytesPerCycle = 1200;  // of device memory
  GemmPlan best;
  double best_cycles = -1;
  for (const Candidate& c : kCandidates) {
    if ((c.kernel == GemmKernel::kWgmma && !g.wgmma) || (c.kernel == GemmKernel::kSimt) == g.tensor_cores) continue;
    if (g.gathered && c.n == 256) continue;
    if (g.element_bytes == 8 && c.m > 64) continue;  // would need 256 registers for its sums alone
    // A cluster's second tile would be empty where the number of rows of tiles is odd.
    const int64_t rows = (g.m + c.m - 1) / c.m;
    const int cluster = c.n == 256 && (rows % 2 == 0 || rows > 16) ? 2 : 1;
    const double rate = c.rate * (g.tensor_cores && g.element_bytes == 4 ? 0.5 : 1.0) * (cluster == 2 ? 1.1 : 1.0);
    const int64_t tiles = (rows + cluster - 1) / cluster * cluster * ((g.n + c.n - 1) / c.n) * g.batch;
    const int64_t slots = int64_t{chip.multiprocessors} / cluster * cluster * c.per_chip;
    for (int64_t splits = 1; splits <= 64; splits += std::max<int64_t>(1, splits / 4)) {
      const int64_t depth = std::max<int64_t>(1, (g.k + splits * kSplitUnit - 1) / (splits * kSplitUnit)) * kSplitUnit;
      const int64_t parts = std::max<int64_t>(1, (g.k + depth - 1) / depth);  // no part is empty
      if (parts < splits || (splits > 1 && (depth < 2 * kSplitUnit || tiles * splits > slots))) break;
      const int64_t waves = (tiles * splits + slots - 1) / slots;
      // Blocks on one multiprocessor share its rate; one alone reaches half of it.
      const int64_t together = (tiles * splits + chip.multiprocessors - 1) / chip.multiprocessors;
      const double sharing = std::clamp(static_cast<double>(together), c.per_chip * 0.5, c.per_chip * 1.0);
      const double work = static_cast<double>(depth) * c.m * c.n * sharing / rate;
      double cycles = static_cast<double>(waves) * (work + kTileCycles);
      if (c.kernel == GemmKernel::kWgmma && g.copied_bytes > 0)
        cycles += kLaunchCycles + g.copied_bytes / kBytesPerCycle;
      if (splits > 1)
        cycles += kLaunchCycles +
                  static_cast<double>((2 * splits + 1) * g.m * g.n * g.batch) * g.element_bytes / kBytesPerCycle;
      if (best_cycles < 0 || cycles < best_cycles) {
        best_cycles = cycles;
        best = {c.kernel, c.m, c.n, static_cast<int>(splits), static_cast<int>(splits > 1 ? depth : g.k), cluster};
      }
    }
  }
  // One part of all of k, in whole units for kernels that count by it.
  if (best.splits == 1)
    best.split_depth = static_cast<int>((std::max<int64_t>(g.k, 1) + kSplitUnit - 1) / kSplitUnit * kSplitUnit);
  return best;
}

}  // namespace tfmini::cuda
