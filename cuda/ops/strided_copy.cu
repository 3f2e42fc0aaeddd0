// StridedCopy on the device: tiles through shared memory where the copy transposes, else a thread per element (of up to
// 16 bytes) of the destination.
#include "ops/strided_copy.h"

#include <algorithm>

#include "core/bits.cuh"
#include "core/launch.cuh"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

using Dim = StridedCopy::Dim;

struct Nest {
  Dim dims[StridedCopy::kMaxDims];
  int rank;
};

template <class I>
__device__ __forceinline__ void locate(const Nest& nest, I index, int64_t& from, int64_t& to) {
  for (int d = nest.rank - 1; d >= 0; --d) {
    const I size = static_cast<I>(nest.dims[d].size), outer = index / size;
    const int64_t at = static_cast<int64_t>(index - outer * size);
    from += at * nest.dims[d].from;
    to += at * nest.dims[d].to;
    index = outer;
  }
}

// I: 32 bits wherever they do, for the divisions.
template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    copy_nest(const __grid_constant__ Nest nest, const T* from, T* to, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  int64_t at = 0, into = 0;
  locate(nest, static_cast<I>(i), at, into);
  to[into] = from[at];
}

// rows: contiguous in the source; columns: contiguous in the destination; `others`: the rest.
constexpr int kTile = 32, kTileRows = 8;
template <class T>
__global__ void __launch_bounds__(kTile* kTileRows)
    transpose_tiles(const __grid_constant__ Nest others, Dim rows, Dim columns, int64_t row_tiles, int64_t column_tiles,
                    const T* from, T* to) {
  __shared__ T tile[kTile][kTile + 1];  // the odd row keeps columns in different banks
  const int64_t tiles = row_tiles * column_tiles;
  const int64_t plane = blockIdx.x / tiles, t = blockIdx.x % tiles;
  const int64_t r0 = t / column_tiles * kTile, c0 = t % column_tiles * kTile;
  int64_t at = 0, into = 0;
  locate(others, plane, at, into);
  const int tx = static_cast<int>(threadIdx.x) % kTile, ty = static_cast<int>(threadIdx.x) / kTile;
#pragma unroll
  for (int j = ty; j < kTile; j += kTileRows)
    if (c0 + j < columns.size && r0 + tx < rows.size) tile[j][tx] = from[at + (c0 + j) * columns.from + r0 + tx];
  __syncthreads();
#pragma unroll
  for (int j = ty; j < kTile; j += kTileRows)
    if (r0 + j < rows.size && c0 + tx < columns.size) to[into + (r0 + j) * rows.to + c0 + tx] = tile[tx][j];
}

template <class T>
void copy(cudaStream_t s, const Dim* dims, int rank, const T* from, T* to) {
  int64_t n = 1;
  for (int d = 0; d < rank; ++d) n *= dims[d].size;
  if (rank == 0 || (rank == 1 && dims[0].from == 1 && dims[0].to == 1))
    return check_cuda(cudaMemcpyAsync(to, from, static_cast<size_t>(n) * sizeof(T), cudaMemcpyDeviceToDevice, s),
                      "copying on the device");
  const Dim& inner = dims[rank - 1];
  const Dim* a = std::find_if(dims, dims + rank - 1, [](const Dim& d) { return d.from == 1; });
  if (inner.to == 1 && inner.from != 0 && inner.from != 1 && a != dims + rank - 1 && inner.size >= 8 && a->size >= 8) {
    Nest others{};
    for (int d = 0; d < rank - 1; ++d)
      if (dims + d != a) others.dims[others.rank++] = dims[d];
    const int64_t row_tiles = (a->size + kTile - 1) / kTile, column_tiles = (inner.size + kTile - 1) / kTile;
    const int64_t blocks = n / (a->size * inner.size) * row_tiles * column_tiles;
    return launch(&transpose_tiles<T>, dim3(static_cast<unsigned>(blocks)), kTile * kTileRows, 0, s, others, *a, inner,
                  row_tiles, column_tiles, from, to);
  }
  Nest nest{};
  for (int d = 0; d < rank; ++d) nest.dims[nest.rank++] = dims[d];
  launch(n <= INT32_MAX ? &copy_nest<T, uint32_t> : &copy_nest<T, uint64_t>, blocks_for(n), kThreads, 0, s, nest, from,
         to, n);
}

// Can `run` neighbours move as one element? Then rescales the dimensions.
bool widen_dims(Nest& nest, int64_t run, size_t bytes, const void* from, const void* to) {
  Dim& inner = nest.dims[nest.rank - 1];
  if (inner.from != 1 || inner.to != 1 || inner.size % run) return false;
  if ((reinterpret_cast<uintptr_t>(from) | reinterpret_cast<uintptr_t>(to)) % (static_cast<size_t>(run) * bytes))
    return false;
  for (int d = 0; d < nest.rank - 1; ++d)
    if (nest.dims[d].from % run || nest.dims[d].to % run) return false;
  for (int d = 0; d < nest.rank - 1; ++d) {
    nest.dims[d].from /= run;
    nest.dims[d].to /= run;
  }
  inner.size /= run;
  if (inner.size == 1) --nest.rank;
  return true;
}

}  // namespace

void strided_copy(const KernelContext& c, const Dim* dims, int rank, size_t bytes, const void* from, void* to) {
  Nest nest{};
  for (int d = 0; d < rank; ++d) nest.dims[nest.rank++] = dims[d];
  if (nest.rank > 0)
    for (int64_t run = static_cast<int64_t>(16 / bytes); run > 1; run /= 2)
      if (widen_dims(nest, run, bytes, from, to)) {
        bytes *= static_cast<size_t>(run);
        break;
      }
  with_unit(bytes, [&]<class T>(std::type_identity<T>) {
    copy(stream(c), nest.dims, nest.rank, static_cast<const T*>(from), static_cast<T*>(to));
  });
}

void zero(const KernelContext& c, void* to, size_t bytes) {
  check_cuda(cudaMemsetAsync(to, 0, bytes, stream(c)), "filling a tensor");
}

}  // namespace tfmini::cuda
