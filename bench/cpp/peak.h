// What this machine can do at most, measured right before it is compared with: neighbours come and go.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "core/parallel.h"

namespace tfmini::bench {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Independent fused multiply-adds in registers, nothing else: 12 chains hide the latency of two units.
template <int kBytes>
struct Floats {
  typedef float Vector __attribute__((vector_size(kBytes)));
};
template <int kBytes>
[[gnu::always_inline]] inline float multiply_adds(int64_t steps) {
  using Vector = typename Floats<kBytes>::Vector;
  constexpr int kChains = 12;
  Vector sums[kChains] = {}, x = Vector{} + 1.0f, y = Vector{} + 0.5f;
  asm("" : "+x"(x), "+x"(y));  // the compiler shall not know these values,
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      sums[c] = sums[c] * x + y;
      asm("" : "+x"(sums[c]));  // nor those
    }
  }
  float total = 0;
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) total += sums[c][0];
  return total;
}

#if defined(__x86_64__)
[[gnu::target("avx512f,prefer-vector-width=512")]] inline float multiply_adds_512(int64_t n) {
  return multiply_adds<64>(n);
}
[[gnu::target("avx2,fma")]] inline float multiply_adds_256(int64_t n) { return multiply_adds<32>(n); }
#endif

// float32 GFLOP/s of `threads` threads.
inline double peak_gflops(int threads, int64_t steps = 200000) {
  float (*loop)(int64_t) = multiply_adds<16>;
  int lanes = 4;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    loop = multiply_adds_512;
    lanes = 16;
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    loop = multiply_adds_256;
    lanes = 8;
  }
#endif
  volatile float sink = 0;
  const double start = now();
  parallel_for(threads, 1, [&](int64_t, int64_t) { sink = loop(steps); });
  return 2e-9 * 12 * lanes * static_cast<double>(steps) * threads / (now() - start);
}

}  // namespace tfmini::bench
