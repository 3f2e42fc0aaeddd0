// Transposed copies of matrices, for kernels that want an operand along k, and images between NHWC and NCHW.
#include "gemm/transpose.cuh"

#include "core/launch.cuh"

namespace tfmini::cuda {
namespace {

constexpr int kTile = 32, kRows = 8;

// A block moves 32 x 32 elements through shared memory, so that reads and writes both run along rows; grid.x counts
// tiles of all matrices.
template <class T>
__global__ void __launch_bounds__(kTile* kRows)
    transpose(const Transpose t, const T* __restrict__ from, T* __restrict__ to, int tiles_x, int tiles_y) {
  __shared__ T tile[kTile][kTile + 1];
  const int64_t index = blockIdx.x;
  const int64_t matrix = index / (int64_t{tiles_x} * tiles_y);
  const int in_matrix = static_cast<int>(index - matrix * tiles_x * tiles_y);
  const int ty = in_matrix / tiles_x, tx = in_matrix - ty * tiles_x;
  const int x = static_cast<int>(threadIdx.x) % kTile, y = static_cast<int>(threadIdx.x) / kTile;
  from += matrix * t.from_batch;
  to += matrix * t.to_batch;
#pragma unroll
  for (int i = 0; i < kTile; i += kRows) {
    const int row = ty * kTile + y + i, col = tx * kTile + x;
    if (row < t.rows && col < t.cols) tile[y + i][x] = from[row * t.from_ld + col];
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kTile; i += kRows) {
    const int row = tx * kTile + y + i, col = ty * kTile + x;
    if (row < t.cols && col < t.rows) to[row * t.to_ld + col] = tile[x][y + i];
  }
}

template <class T>
void launch_as(const Transpose& t, const void* from, void* to, cudaStream_t stream) {
  const int tiles_x = (t.cols + kTile - 1) / kTile, tiles_y = (t.rows + kTile - 1) / kTile;
  const int64_t blocks = int64_t{tiles_x} * tiles_y * t.batch;
  if (blocks > INT32_MAX) fail(Code::kUnimplemented, "too large to be transposed by one kernel");
  launch(transpose<T>, dim3(static_cast<unsigned>(blocks)), dim3(kTile * kRows), 0, stream, t,
         static_cast<const T*>(from), static_cast<T*>(to), tiles_x, tiles_y);
}

}  // namespace

void launch_transpose(const Transpose& t, int element_bytes, const void* from, void* to, cudaStream_t stream) {
  if (t.batch == 0 || t.rows == 0 || t.cols == 0) return;
  if (element_bytes == 2) return launch_as<uint16_t>(t, from, to, stream);
  if (element_bytes == 4) return launch_as<uint32_t>(t, from, to, stream);
  launch_as<uint64_t>(t, from, to, stream);
}

}  // namespace tfmini::cuda
