// Adds the partial sums of products whose k was split, in the order of the parts.
#include "gemm/run.cuh"

namespace tfmini::cuda {
namespace {

constexpr int kThreads = 256, kRun = 4;

template <class T>
__global__ void __launch_bounds__(kThreads) sum_parts(const Output<T> out, int splits, int64_t runs) {
  using Sum = typename Output<T>::Sum;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= runs) return;
  const int runs_per_row = ceil_div(out.n, kRun);
  const int64_t line = i / runs_per_row;
  const int col = static_cast<int>(i - line * runs_per_row) * kRun;
  const int product = static_cast<int>(line / out.m), row = static_cast<int>(line - int64_t{product} * out.m);
  const int64_t part = int64_t{out.m} * out.n;
  const Sum* from = out.partial + int64_t{product} * splits * part + int64_t{row} * out.n + col;
  Sum sums[kRun] = {};
  for (int s = 0; s < splits; ++s, from += part)
#pragma unroll
    for (int j = 0; j < kRun; ++j)
      if (col + j < out.n) sums[j] += from[j];
  Output<T> final = out;
  final.partial = nullptr;
  store_sums<kRun, T>(final, product, row, col, sums);
}

}  // namespace

template <class T>
void launch_sum_parts(const Output<T>& out, int64_t products, cudaStream_t stream) {
  const int64_t runs = products * out.m * ceil_div(out.n, kRun);
  launch(sum_parts<T>, dim3(static_cast<unsigned>((runs + kThreads - 1) / kThreads)), dim3(kThreads), 0, stream, out,
         out.splits, runs);
}

template void launch_sum_parts(const Output<float>&, int64_t, cudaStream_t);
template void launch_sum_parts(const Output<double>&, int64_t, cudaStream_t);
template void launch_sum_parts(const Output<Half>&, int64_t, cudaStream_t);
template void launch_sum_parts(const Output<BFloat16>&, int64_t, cudaStream_t);

}  // namespace tfmini::cuda
