// Matrix products on a GPU, or on the simulated one, against sums in double: every kernel, all transposes, sizes that
// fill no tile, addresses that allow no vectors, batches, parts of k, epilogues.
#include <cstdio>

#if defined(TFMINI_WITH_CUDA)
#include <cmath>
#include <vector>

#include "check.h"
#include "core/devices.h"
#include "core/tensor_float_32.h"
#include "device_array.h"
#include "gemm/gemm.cuh"

namespace tfmini::cuda {
namespace {

struct Sizes {
  int64_t m, n, k, batch = 1, offset = 0;
  int splits = 0;  // 0: as planned
};

template <class T>
void check_gemm(Device& device, const Sizes& s, bool ta, bool tb, bool epilogue, const GemmPlan* plan) {
  const auto a = random_values<T>(s.batch * s.m * s.k, 1);
  const auto b = random_values<T>(s.batch * s.k * s.n, 2);
  const auto bias = random_values<T>(s.n, 3);
  const auto add = random_values<T>(s.batch * s.m * s.n, 4);
  std::vector<T> c(static_cast<size_t>(s.batch * s.m * s.n), T(77.0f));
  DeviceArray<T> da(device, a, s.offset), db(device, b, s.offset), dc(device, c, s.offset),
      dbias(device, bias, s.offset), dadd(device, add, s.offset);
  Gemm<T> g = dense_gemm<T>(s.m, s.n, s.k, da.data(), ta, db.data(), tb, dc.data());
  g.batch = s.batch;
  g.a_batch = s.m * s.k;
  g.b_batch = s.k * s.n;
  g.c_batch = s.m * s.n;
  if (epilogue) {
    g.epilogue.bias = dbias.data();
    g.epilogue.scale = dbias.data();
    g.epilogue.add = dadd.data();
    g.epilogue.low = 0;
    g.epilogue.high = 6;
  }
  if (plan)
    gemm(place(device), g, *plan);
  else
    gemm(place(device), g);
  c = dc.get();
  const double tolerance = sizeof(T) == 2 ? 0.01 : 1e-5;
  for (int64_t p = 0; p < s.batch; ++p)
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = 0; j < s.n; ++j) {
        double want = 0;
        for (int64_t k = 0; k < s.k; ++k)
          want += static_cast<double>(a[p * g.a_batch + (ta ? k * s.m + i : i * s.k + k)]) *
                  static_cast<double>(b[p * g.b_batch + (tb ? j * s.k + k : k * s.n + j)]);
        const int64_t at = p * g.c_batch + i * s.n + j;
        if (epilogue) {
          const double channel = static_cast<double>(bias[static_cast<size_t>(j)]);
          want = want * channel + channel + static_cast<double>(add[static_cast<size_t>(at)]);
          want = std::min(std::max(want, 0.0), 6.0);
        }
        const double got = static_cast<double>(c[static_cast<size_t>(at)]);
        CHECK(std::abs(got - want) <= tolerance * (1 + std::abs(want)));
      }
}

template <class T>
void check_type(Device& device, const std::vector<GemmPlan>& plans) {
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      for (const Sizes& s : {Sizes{1, 1, 1}, Sizes{3, 5, 7}, Sizes{2, 16, 0}, Sizes{72, 136, 40}, Sizes{65, 67, 69, 2},
                             Sizes{64, 64, 128, 3, 1}, Sizes{1, 200, 300, 2}, Sizes{200, 1, 300}, Sizes{8, 24, 1000}})
        for (const bool epilogue : {false, true}) check_gemm<T>(device, s, ta, tb, epilogue, nullptr);
      for (const GemmPlan& plan : plans)
        for (const Sizes& s : {Sizes{150, 140, 136}, Sizes{136, 264, 320, 1}, Sizes{33, 66, 200, 2, 1}}) {
          GemmPlan p = plan;
          p.split_depth = static_cast<int>((s.k + p.splits * 64 - 1) / (p.splits * 64) * 64);
          check_gemm<T>(device, s, ta, tb, true, &p);
        }
    }
}

// The kernel of sm_90a, whose operands must be aligned; tiles beyond the number of multiprocessors, rounds of the ring.
template <class T>
void check_wgmma(Device& device) {
  if (const Chip chip = place(device).chip; chip.major != 9 || chip.minor != 0) return;
  for (const bool ta : {false, true})
    for (const bool tb : {false, true})
      for (const GemmPlan& plan : {GemmPlan{GemmKernel::kWgmma, 128, 128}, GemmPlan{GemmKernel::kWgmma, 128, 256},
                                   GemmPlan{GemmKernel::kWgmma, 128, 256, 1, 0, 2}})
        for (const Sizes& s : {Sizes{136, 144, 72}, Sizes{520, 272, 264}, Sizes{64, 64, 600, 2}}) {
          GemmPlan p = plan;
          p.splits = s.batch == 2 ? 3 : 1;
          p.split_depth = static_cast<int>((s.k + p.splits * 64 - 1) / (p.splits * 64) * 64);
          check_gemm<T>(device, s, ta, tb, true, &p);
        }
}

}  // namespace
}  // namespace tfmini::cuda
#endif

int main() {
#if defined(TFMINI_WITH_CUDA)
  using namespace tfmini;
  if (const std::string reason = cuda_status(); !reason.empty()) {
    std::printf("skipped: %s\n", reason.c_str());
    return 0;
  }
  using cuda::GemmKernel, cuda::GemmPlan;
  Device& device = cuda::device(0);
  const GemmPlan simt128{GemmKernel::kSimt, 128, 128, 1, 0}, simt64{GemmKernel::kSimt, 64, 64, 3, 0};
  const GemmPlan mma128{GemmKernel::kMma, 128, 128, 2, 0}, mma64{GemmKernel::kMma, 64, 64, 1, 0};
  cuda::check_type<BFloat16>(device, {mma128, mma64});
  cuda::check_type<Half>(device, {mma128});
  cuda::check_type<float>(device, {mma128, mma64, simt128, simt64});
  cuda::check_wgmma<BFloat16>(device);
  cuda::check_wgmma<Half>(device);
  cuda::check_wgmma<float>(device);
  cuda::check_type<double>(device, {simt64});
  tensor_float_32_allowed = false;
  cuda::check_type<float>(device, {});
#else
  std::printf("skipped: no CUDA in this build\n");
#endif
  return 0;
}
