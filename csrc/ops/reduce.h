// Reduction of the middle dimension of an [outer, length, inner] array: what every reduction over
// any set of axes is made of, and what other families (bias gradients, norms) use directly.
#pragma once

#include <algorithm>

#include "core/parallel.h"
#include "core/tensor.h"
#include "simd/reduce.h"

namespace tfmini {

namespace detail {

// How one pass is cut into tasks. Depends on sizes only, so that results do not depend on threads.
struct ReduceCut {
  int64_t chunk;  // elements of `length` reduced by one task
  int64_t tile;   // elements of `inner` handled by one task
};
inline ReduceCut cut_reduction(int64_t outer, int64_t length, int64_t inner, int64_t item_bytes) {
  constexpr int64_t kTaskBytes = 256 << 10;  // about 25 us, fits L2
  constexpr int64_t kTileBytes = 16 << 10;   // a running row of sums stays in L1
  constexpr int64_t kEnoughTasks = 64;
  const int64_t tile = std::min(inner, std::max<int64_t>(1, kTileBytes / item_bytes));
  const int64_t tasks = outer * ((inner + tile - 1) / tile);
  const int64_t chunk = std::max<int64_t>(64, kTaskBytes / (item_bytes * tile));
  // A last, much shorter chunk is not worth a second pass.
  return {tasks >= kEnoughTasks || length < 2 * chunk ? length : chunk, tile};
}

}  // namespace detail

// The axes as a bit mask; throws for axes out of range or given twice.
uint32_t axis_mask(const Tensor& axes, int rank);

// A reduction over some axes as passes over [outer, length, inner], the last axes first: neighbouring axes of a kind
// are one, axes of size 1 are none.
struct ReducePasses {
  struct Pass {
    int64_t outer, length, inner;
  };
  Pass pass[Shape::kMaxRank];
  int count = 0;
  int64_t reduced = 1;  // elements that go into one output
};
ReducePasses make_passes(const Shape& shape, uint32_t mask);

// out[o, i] = reduction over l of in[o, l, i]; length >= 1.
template <class T>
void reduce_middle(simd::Reduction op, const T* in, ComputeType<T>* out, int64_t outer, int64_t length, int64_t inner) {
  using C = ComputeType<T>;
  if (outer == 0 || inner == 0) return;
  const auto& loops = simd::reduce_loops<T>(op);
  const auto [chunk, tile] = detail::cut_reduction(outer, length, inner, sizeof(T));
  const int64_t chunks = (length + chunk - 1) / chunk, tiles = (inner + tile - 1) / tile;
  Tensor partial;
  C* to = out;
  if (chunks > 1) {
    partial = Tensor(dtype_of<C>, Shape{outer, chunks, inner});
    to = partial.data<C>();
  }
  if (inner == 1 && chunks == 1) {
    parallel_for(outer, grain_for_bytes(length * static_cast<int64_t>(sizeof(T))),
                 [&](int64_t begin, int64_t end) { loops.rows(in + begin * length, to + begin, end - begin, length); });
  } else {
    const int64_t task_bytes = chunk * tile * static_cast<int64_t>(sizeof(T));
    parallel_for(outer * chunks * tiles, grain_for_bytes(task_bytes), [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t t = task % tiles, k = task / tiles % chunks, o = task / tiles / chunks;
        const T* x = in + (o * length + k * chunk) * inner + t * tile;
        C* y = to + (o * chunks + k) * inner + t * tile;
        const int64_t rows = std::min(chunk, length - k * chunk);
        if (inner == 1)
          loops.rows(x, y, 1, rows);
        else
          loops.columns(x, y, rows, std::min(tile, inner - t * tile), inner);
      }
    });
  }
  if (chunks > 1) {
    const auto join = op == simd::Reduction::kSumSquares ? simd::Reduction::kSum : op;
    reduce_middle<C>(join, to, out, outer, chunks, inner);
  }
}

}  // namespace tfmini
