// A matrix product on a GPU, or on the simulated one, against sums in double.
#pragma once

#include <cmath>
#include <vector>

#include "check.h"
#include "device_array.h"
#include "gemm/gemm.cuh"

namespace tfmini::cuda {

struct Sizes {
  int64_t m, n, k, batch = 1, offset = 0;
  int splits = 0;  // 0: as planned
};

// The plan with k cut into its number of parts.
inline GemmPlan split_for(GemmPlan plan, int64_t k) {
  plan.split_depth = static_cast<int>((k + plan.splits * 64 - 1) / (plan.splits * 64) * 64);
  return plan;
}

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

}  // namespace tfmini::cuda
