#include "gemm/gemm.cuh"

#include "core/device.cuh"
#include "gemm/gemv.cuh"
#include "gemm/run.cuh"
#include "gemm/wgmma_run.cuh"

namespace tfmini::cuda {
namespace {

// y = a x or x a, without a detour through tiles of which one row counts.
template <class T>
void gemv(const Place& place, const Gemm<T>& g) {
  constexpr int kUnit = Unit<T>::kSize;
  const bool row = g.m == 1;  // C is a row: x is A, the matrix is B
  const bool along_k = row ? g.transpose_b : !g.transpose_a;
  const int k = checked_int(g.k, "k"), outer = checked_int(row ? g.n : g.m, row ? "n" : "m");
  GemvArgs<T> args;
  args.a.data = row ? g.b : g.a;
  args.a.rows = along_k ? outer : k;
  args.a.cols = along_k ? k : outer;
  args.a.ld = row ? g.ldb : g.lda;
  args.a_batch = row ? g.b_batch : g.a_batch;
  args.x = row ? g.a : g.b;
  args.x_batch = row ? g.a_batch : g.b_batch;
  args.y_is_row = row;
  args.aligned = args.a.aligned(kUnit) && args.a_batch % kUnit == 0 && args.x_batch % kUnit == 0 &&
                 reinterpret_cast<uintptr_t>(args.x) % 16 == 0;
  args.out = dense_output(g);
  const auto batch = static_cast<unsigned>(g.batch);
  if (along_k) {
    const auto blocks = static_cast<unsigned>(ceil_div(outer, kGemvThreads / 32));
    return launch(gemv_rows<T>, dim3(blocks, batch), dim3(kGemvThreads), 0, place.stream, args);
  }
  const int width = 32 * (args.aligned ? kUnit : 1), blocks = ceil_div(outer, width);
  // Enough parts to give every multiprocessor four blocks; none shorter than 64 rows.
  int64_t splits =
      std::clamp<int64_t>(4 * place.chip.multiprocessors / (int64_t{blocks} * g.batch), 1, std::max(1, k / 64));
  const int part_rows = std::max(1, ceil_div(k, static_cast<int>(splits)));
  splits = std::max(1, ceil_div(k, part_rows));
  BufferRef parts;
  args.out.splits = static_cast<int>(splits);
  if (splits > 1) {
    using Sum = typename Output<T>::Sum;
    parts = place.device.allocate(static_cast<size_t>(g.batch * splits * outer) * sizeof(Sum));
    args.out.partial = static_cast<Sum*>(parts->data());
  }
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(splits), batch);
  if (args.aligned)
    launch(gemv_cols<T, kUnit>, grid, dim3(kGemvThreads), 0, place.stream, args, part_rows);
  else
    launch(gemv_cols<T, 1>, grid, dim3(kGemvThreads), 0, place.stream, args, part_rows);
  if (splits > 1) launch_sum_parts(args.out, g.batch, place.stream);
}

template <bool kTransposeA, bool kTransposeB, class T>
void run(const Place& place, const Gemm<T>& g, const GemmPlan& plan) {
  GemmArgs<Dense<T, !kTransposeA>, Dense<T, kTransposeB>> args;
  args.k = checked_int(g.k, "k");
  args.out = dense_output(g);
  args.a = {g.a, kTransposeA ? args.k : args.out.m, kTransposeA ? args.out.m : args.k, g.lda};
  args.b = {g.b, kTransposeB ? args.out.n : args.k, kTransposeB ? args.k : args.out.n, g.ldb};
  args.a_batch = g.a_batch;
  args.b_batch = g.b_batch;
  run_gemm(place, args, g.batch, plan);
}

// Whether the copy engine can read a matrix stored with these rows: addresses are multiples of 16 bytes.
template <class T>
bool boxes_fit(const T* data, int64_t ld, int64_t batch_stride) {
  constexpr int kUnit = Unit<T>::kSize;
  return reinterpret_cast<uintptr_t>(data) % 16 == 0 && ld % kUnit == 0 && batch_stride % kUnit == 0;
}

template <class T>
GemmSizes sizes_of(const Gemm<T>& g, const Chip& chip) {
  GemmSizes s{g.m, g.n, g.k, g.batch, sizeof(T), uses_tensor_cores<T>()};
  // 32-bit operands that do not lie along k are copied first, which also aligns them.
  const bool copy_a = sizeof(T) == 4 && g.transpose_a, copy_b = sizeof(T) == 4 && !g.transpose_b;
  s.wgmma = s.tensor_cores && chip.major == 9 && chip.minor == 0 && g.k > 0 &&
            (copy_a || boxes_fit(g.a, g.lda, g.a_batch)) && (copy_b || boxes_fit(g.b, g.ldb, g.b_batch));
  if (copy_a) s.copied_bytes += 2 * sizeof(T) * static_cast<double>(g.m * g.k * (g.a_batch ? g.batch : 1));
  if (copy_b) s.copied_bytes += 2 * sizeof(T) * static_cast<double>(g.n * g.k * (g.b_batch ? g.batch : 1));
  return s;
}

}  // namespace

Place place(Device& device) {
  const cudaDeviceProp& p = properties(device);
  return {device, stream(device), {p.major, p.minor, p.multiProcessorCount}};
}

template <class T>
void gemm(const Place& place, const Gemm<T>& g) {
  if ((g.m == 1 || g.n == 1) && g.batch < 65536) return gemv(place, g);
  GemmSizes sizes = sizes_of(g, place.chip);
  const GemmPlan plan = choose_gemm(sizes, place.chip);
  if constexpr (sizeof(T) < 8)
    if (plan.kernel == GemmKernel::kWgmma) {
      if (run_wgmma(place, g, plan)) return;
      sizes.wgmma = false;  // an old driver
      return gemm(place, g, choose_gemm(sizes, place.chip));
    }
  gemm(place, g, plan);
}

template <class T>
void gemm(const Place& place, const Gemm<T>& g, const GemmPlan& plan) {
  if constexpr (sizeof(T) < 8)
    if (plan.kernel == GemmKernel::kWgmma) {
      if (!run_wgmma(place, g, plan)) fail(Code::kUnimplemented, "no tensor maps of these operands");
      return;
    }
  if (g.transpose_a)
    g.transpose_b ? run<true, true>(place, g, plan) : run<true, false>(place, g, plan);
  else
    g.transpose_b ? run<false, true>(place, g, plan) : run<false, false>(place, g, plan);
}

#define TFMINI_GEMM(T)                              \
  template void gemm(const Place&, const Gemm<T>&); \
  template void gemm(const Place&, const Gemm<T>&, const GemmPlan&);
TFMINI_GEMM(float)
TFMINI_GEMM(double)
TFMINI_GEMM(Half)
TFMINI_GEMM(BFloat16)
#undef TFMINI_GEMM

}  // namespace tfmini::cuda
