// Tiles are sorted in shared memory by a bitonic network, then merged in pairs: every key finds its place by a binary
// search among the keys of the other run.
#include "core/sort.cuh"

#include <bit>

#include "core/elements.h"
#include "core/stream.h"

namespace tfmini::cuda {
namespace {

constexpr int kTile = 1024;

// `width`: a power of two, of at least the keys of a tile and twice the threads.
template <class Key>
__global__ void __launch_bounds__(kTile / 2) sort_tiles(Key* keys, int64_t length, int64_t tiles, int width) {
  __shared__ Key tile[kTile];
  const int64_t t = blockIdx.x % tiles;
  Key* at = keys + blockIdx.x / tiles * length + t * kTile;
  const int64_t left = length - t * kTile;
  const int n = left < width ? static_cast<int>(left) : width;
  const int rank = static_cast<int>(threadIdx.x), step = static_cast<int>(blockDim.x);
  for (int i = rank; i < width; i += step) tile[i] = i < n ? at[i] : last_key<Key>();
  sort_shared(tile, width);
  for (int i = rank; i < n; i += step) at[i] = tile[i];
}

// Runs of `run` keys become runs of twice as many.
template <class Key>
__global__ void __launch_bounds__(kThreads)
    merge_runs(const Key* from, Key* to, int64_t length, int64_t run, int64_t count) {
  const int64_t i = thread_index();
  if (i >= count) return;
  const int64_t row = i / length * length, k = i - row, pair = k / (2 * run) * (2 * run);
  const bool in_first = k - pair < run;
  const int64_t others = pair + (in_first ? run : 0), limit = others + run;
  int64_t low = others < length ? others : length, high = limit < length ? limit : length;
  const int64_t first = low;
  const Key key = from[i];
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (from[row + middle] < key)
      low = middle + 1;
    else
      high = middle;
  }
  to[row + pair + (k - pair - (in_first ? 0 : run)) + (low - first)] = key;
}

constexpr int kMaxDepth = Shape::kMaxRank;
struct Dims {
  int64_t sizes[kMaxDepth];
  int depth;
};

template <class I>
__global__ void __launch_bounds__(kThreads)
    make_keys(const I* indices, const __grid_constant__ Dims dims, uint64_t* keys, int64_t n, int64_t rows, int bits) {
  const int64_t i = thread_index();
  if (i >= n) return;
  int64_t row = 0;
  bool valid = true;
  for (int d = 0; d < dims.depth; ++d) {
    const int64_t at = static_cast<int64_t>(indices[i * dims.depth + d]);
    valid &= static_cast<uint64_t>(at) < static_cast<uint64_t>(dims.sizes[d]);
    row = row * dims.sizes[d] + at;
  }
  keys[i] = static_cast<uint64_t>(valid ? row : rows) << bits | static_cast<uint64_t>(i);
}

}  // namespace

template <class Key>
Tensor sort_rows(const KernelContext& c, Tensor keys, int64_t rows, int64_t length) {
  const int64_t count = rows * length;
  if (count == 0 || length == 1) return keys;
  const int64_t tiles = (length + kTile - 1) / kTile;
  const int width = length >= kTile ? kTile : static_cast<int>(std::bit_ceil(static_cast<uint64_t>(length)));
  launch(&sort_tiles<Key>, dim3(static_cast<unsigned>(rows * tiles)), width / 2 < 32 ? 32 : width / 2, 0, stream(c),
         keys.data<Key>(), length, tiles, width);
  Tensor other = tiles > 1 ? scratch_keys<Key>(c, count) : Tensor();
  for (int64_t run = kTile; run < length; run *= 2) {
    launch(&merge_runs<Key>, blocks_for(count), kThreads, 0, stream(c), keys.data<Key>(), other.data<Key>(), length,
           run, count);
    std::swap(keys, other);
  }
  return keys;
}
template Tensor sort_rows<uint64_t>(const KernelContext&, Tensor, int64_t, int64_t);
template Tensor sort_rows<WideKey>(const KernelContext&, Tensor, int64_t, int64_t);

SortedRows::SortedRows(const KernelContext& c, const Tensor& indices, const Shape& shape) {
  Dims dims{};
  for (int d = 0; d < shape.rank(); ++d) dims.sizes[dims.depth++] = shape[d];
  // Index vectors without numbers are no elements: the other dimensions count them.
  const int64_t n =
      dims.depth == 0 ? indices.shape().product(0, indices.rank() - 1) : indices.num_elements() / dims.depth;
  lists_.n = n;
  lists_.rows = shape.product(0, shape.rank());
  lists_.bits = static_cast<int>(std::bit_width(static_cast<uint64_t>(n)));
  keys_ = scratch_keys<uint64_t>(c, n);
  if (n == 0) return;
  with_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
    launch(&make_keys<I>, blocks_for(n), kThreads, 0, stream(c), indices.data<I>(), dims, keys_.data<uint64_t>(), n,
           lists_.rows, lists_.bits);
  });
  keys_ = sort_rows<uint64_t>(c, std::move(keys_), 1, n);
  lists_.keys = keys_.data<uint64_t>();
}

}  // namespace tfmini::cuda
