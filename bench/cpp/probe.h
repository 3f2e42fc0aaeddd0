// What this machine can do at best: multiply-adds that touch no memory, and memory that touches nothing else.
// Knows nothing of tfmini, so that bench/probe.py can compile it alone. Every figure is the best of several rounds,
// because a shared machine only ever makes a round slower.
#pragma once

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace probe {

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Cores this process may run on.
inline int cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

inline volatile float sink;  // keeps results alive

// Twelve independent chains cover the latency (4 to 5 cycles) of two units. Values stay near one.
constexpr int kChains = 12;

#if defined(__x86_64__)
__attribute__((target("avx512f"), noinline)) inline double fma_avx512(int64_t steps) {
  const __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.5f);
  __m512 x[kChains];
  for (auto& v : x) v = a;
  for (int64_t i = 0; i < steps; ++i)
    for (auto& v : x) v = _mm512_fmadd_ps(v, a, b);
  for (int i = 1; i < kChains; ++i) x[0] = _mm512_add_ps(x[0], x[i]);
  sink = _mm512_cvtss_f32(x[0]);
  return 2.0 * 16 * kChains * static_cast<double>(steps);
}

__attribute__((target("avx2,fma"), noinline)) inline double fma_avx2(int64_t steps) {
  const __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.5f);
  __m256 x[kChains];
  for (auto& v : x) v = a;
  for (int64_t i = 0; i < steps; ++i)
    for (auto& v : x) v = _mm256_fmadd_ps(v, a, b);
  for (int i = 1; i < kChains; ++i) x[0] = _mm256_add_ps(x[0], x[i]);
  sink = _mm256_cvtss_f32(x[0]);
  return 2.0 * 8 * kChains * static_cast<double>(steps);
}
#endif

using Vec4 = float __attribute__((vector_size(16)));

__attribute__((noinline)) inline double fma_base(int64_t steps) {
  const Vec4 a = {0.5f, 0.5f, 0.5f, 0.5f}, b = a;
  Vec4 x[kChains];
  for (auto& v : x) v = a;
  for (int64_t i = 0; i < steps; ++i)
    for (auto& v : x) v = v * a + b;
  for (int i = 1; i < kChains; ++i) x[0] += x[i];
  sink = x[0][0];
  return 2.0 * 4 * kChains * static_cast<double>(steps);
}

inline const char* isa() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "avx512";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2";
#endif
  return "base";
}

// Floating-point operations done in `steps` steps with the widest vectors there are.
inline double multiply_add(int64_t steps) {
#if defined(__x86_64__)
  if (!std::strcmp(isa(), "avx512")) return fma_avx512(steps);
  if (!std::strcmp(isa(), "avx2")) return fma_avx2(steps);
#endif
  return fma_base(steps);
}

// Wall seconds of fn(thread) on `threads` threads that start together.
inline double together(int threads, const std::function<void(int)>& fn) {
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::vector<double> end(static_cast<size_t>(threads));
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&, t] {
      ++ready;
      while (!go) std::this_thread::yield();
      fn(t);
      end[static_cast<size_t>(t)] = now();
    });
  }
  while (ready < threads) std::this_thread::yield();
  const double start = now();
  go = true;
  for (auto& thread : pool) thread.join();
  return *std::max_element(end.begin(), end.end()) - start;
}

// FP32 GFLOP/s.
inline double peak_gflops(int threads, int rounds = 10) {
  constexpr int64_t kSteps = 1 << 20;  // 5 to 20 ms
  double best = 0;
  for (int r = 0; r < rounds; ++r) {
    std::vector<double> flops(static_cast<size_t>(threads));
    const double seconds = together(threads, [&](int t) { flops[static_cast<size_t>(t)] = multiply_add(kSteps); });
    double total = 0;
    for (double f : flops) total += f;
    best = std::max(best, 1e-9 * total / seconds);
  }
  return best;
}

// Three arrays far beyond any cache, each touched once by the thread that will use it.
class Memory {
 public:
  explicit Memory(int threads) : threads_(threads), part_((kFloats / threads) & ~int64_t{63}) {
    for (auto& array : arrays_) array.reset(static_cast<float*>(std::aligned_alloc(64, kFloats * sizeof(float))));
    together(threads_, [&](int t) {
      for (auto& array : arrays_) std::fill_n(array.get() + t * part_, part_, 1.0f);
    });
  }

  // GB/s of reading, of copying (bytes read plus bytes written), and of a = b + s * c.
  double read(int rounds = 8) {
    return best(rounds, 4, [](float* a, const float*, const float*, int64_t n) {
      Vec4 sum[8] = {};
      for (int64_t i = 0; i < n; i += 32)
        for (int j = 0; j < 8; ++j) sum[j] += *reinterpret_cast<const Vec4*>(a + i + 4 * j);
      for (int j = 1; j < 8; ++j) sum[0] += sum[j];
      sink = sum[0][0];
    });
  }
  double copy(int rounds = 8) {
    return best(rounds, 8, [](float* a, const float* b, const float*, int64_t n) {
#if defined(__x86_64__)  // around the caches: a line that is only written need not be read first
      for (int64_t i = 0; i < n; i += 4) _mm_stream_ps(a + i, _mm_load_ps(b + i));
      _mm_sfence();
#else
      std::memcpy(a, b, static_cast<size_t>(n) * sizeof(float));
#endif
    });
  }
  double triad(int rounds = 8) {
    return best(rounds, 12, [](float* a, const float* b, const float* c, int64_t n) {
      for (int64_t i = 0; i < n; ++i) a[i] = b[i] + 3.0f * c[i];
    });
  }

 private:
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  static constexpr int64_t kFloats = int64_t{32} << 20;  // 128 MiB each

  template <class Fn>
  double best(int rounds, double bytes_per_float, const Fn& fn) {
    double rate = 0;
    for (int r = 0; r < rounds; ++r) {
      const double seconds = together(threads_, [&](int t) {
        fn(arrays_[0].get() + t * part_, arrays_[1].get() + t * part_, arrays_[2].get() + t * part_, part_);
      });
      rate = std::max(rate, 1e-9 * bytes_per_float * static_cast<double>(part_ * threads_) / seconds);
    }
    return rate;
  }

  int threads_;
  int64_t part_;
  std::unique_ptr<float, Free> arrays_[3];
};

}  // namespace probe
