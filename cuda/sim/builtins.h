// What CUDA C++ adds to the language, for the host compiler: qualifiers, thread indices, barriers, warp operations,
// atomics, intrinsics.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <type_traits>

#include "sim/fibers.h"

#define __global__
#define __device__
#define __host__
#define __constant__
// One block runs at a time, so a static array is the block's own. It keeps what the block before left in it.
#define __shared__ static
#define __managed__
#define __grid_constant__
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))
#define __restrict__ __restrict

// --- barriers and fences -------------------------------------------------------------------------
inline constexpr unsigned kTfminiFullWarp = 0xffffffffu;
inline void __syncthreads() { tfmini::sim::block_barrier(); }
inline void __syncwarp(unsigned mask = kTfminiFullWarp) {
  tfmini::sim::warp(mask, 0, [](auto&&) { return 0; });
}
// Threads run one at a time: memory is always in order.
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}
inline void __nanosleep(unsigned) {}
[[noreturn]] inline void __trap() { tfmini::sim::trap("__trap() was called"); }

// --- warp operations -----------------------------------------------------------------------------
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  const int from = (tfmini::sim::lane() & ~(width - 1)) + (source & (width - 1));
  return tfmini::sim::warp(mask, value, [from](auto&& at) { return at(from); });
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  const int lane = tfmini::sim::lane(), from = lane ^ bits;
  const int source = (from & ~(width - 1)) > (lane & ~(width - 1)) ? lane : from;
  return tfmini::sim::warp(mask, value, [source](auto&& at) { return at(source); });
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const int lane = tfmini::sim::lane(), from = lane + static_cast<int>(delta);
  const int source = (from ^ lane) & ~(width - 1) ? lane : from;
  return tfmini::sim::warp(mask, value, [source](auto&& at) { return at(source); });
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  const int lane = tfmini::sim::lane(), from = lane - static_cast<int>(delta);
  const int source = from < (lane & ~(width - 1)) ? lane : from;
  return tfmini::sim::warp(mask, value, [source](auto&& at) { return at(source); });
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return tfmini::sim::warp(mask, predicate, [](auto&& at) {
    unsigned bits = 0;
    for (int k = 0; k < 32; ++k) bits |= (at.present >> k & 1) && at(k) ? 1u << k : 0u;
    return bits;
  });
}
inline unsigned __activemask() { return kTfminiFullWarp; }
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }
template <class T>
unsigned __match_any_sync(unsigned mask, T value) {
  return tfmini::sim::warp(mask, value, [value](auto&& at) {
    unsigned bits = 0;
    for (int k = 0; k < 32; ++k) bits |= (at.present >> k & 1) && at(k) == value ? 1u << k : 0u;
    return bits;
  });
}
namespace tfmini::sim {
template <class T, class F>
T warp_reduce(unsigned mask, T value, F combine) {
  return warp(mask, value, [combine](auto&& at) {
    T total{};
    bool first = true;
    for (int k = 0; k < 32; ++k) {
      if (!(at.present >> k & 1)) continue;
      total = first ? at(k) : combine(total, at(k));
      first = false;
    }
    return total;
  });
}
}  // namespace tfmini::sim
#define TFMINI_SIM_REDUCE(T, name, expression)                                              \
  inline T __reduce_##name##_sync(unsigned mask, T value) {                                 \
    return tfmini::sim::warp_reduce(mask, value, [](T a, T b) -> T { return expression; }); \
  }
TFMINI_SIM_REDUCE(unsigned, add, a + b)
TFMINI_SIM_REDUCE(unsigned, min, a < b ? a : b)
TFMINI_SIM_REDUCE(unsigned, max, a > b ? a : b)
TFMINI_SIM_REDUCE(int, add, static_cast<int>(static_cast<unsigned>(a) + static_cast<unsigned>(b)))
TFMINI_SIM_REDUCE(int, min, a < b ? a : b)
TFMINI_SIM_REDUCE(int, max, a > b ? a : b)
TFMINI_SIM_REDUCE(unsigned, and, a& b)
TFMINI_SIM_REDUCE(unsigned, or, a | b)
TFMINI_SIM_REDUCE(unsigned, xor, a ^ b)
#undef TFMINI_SIM_REDUCE

// --- atomics: nothing comes between ---------------------------------------------------------------
#define TFMINI_SIM_ATOMIC(name, ...)                  \
  template <class T>                                  \
  T name(T* address, std::type_identity_t<T> value) { \
    const T old = *address;                           \
    *address = static_cast<T>(__VA_ARGS__);           \
    return old;                                       \
  }
TFMINI_SIM_ATOMIC(atomicAdd, old + value)
TFMINI_SIM_ATOMIC(atomicSub, old - value)
TFMINI_SIM_ATOMIC(atomicExch, value)
TFMINI_SIM_ATOMIC(atomicMin, value < old ? value : old)
TFMINI_SIM_ATOMIC(atomicMax, value > old ? value : old)
TFMINI_SIM_ATOMIC(atomicAnd, old& value)
TFMINI_SIM_ATOMIC(atomicOr, old | value)
TFMINI_SIM_ATOMIC(atomicXor, old ^ value)
TFMINI_SIM_ATOMIC(atomicInc, old >= value ? 0 : old + 1)
#undef TFMINI_SIM_ATOMIC
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> compare, std::type_identity_t<T> value) {
  const T old = *address;
  if (old == compare) *address = value;
  return old;
}

// --- loads and stores with cache hints ------------------------------------------------------------
#define TFMINI_SIM_LOAD(name) \
  template <class T>          \
  T name(const T* p) {        \
    return *p;                \
  }
TFMINI_SIM_LOAD(__ldg)
TFMINI_SIM_LOAD(__ldcs)
TFMINI_SIM_LOAD(__ldcg)
TFMINI_SIM_LOAD(__ldca)
TFMINI_SIM_LOAD(__ldcv)
TFMINI_SIM_LOAD(__ldlu)
#undef TFMINI_SIM_LOAD
#define TFMINI_SIM_STORE(name)                     \
  template <class T>                               \
  void name(T* p, std::type_identity_t<T> value) { \
    *p = value;                                    \
  }
TFMINI_SIM_STORE(__stcs)
TFMINI_SIM_STORE(__stcg)
TFMINI_SIM_STORE(__stwb)
TFMINI_SIM_STORE(__stwt)
#undef TFMINI_SIM_STORE

// --- arithmetic ----------------------------------------------------------------------------------
inline float __expf(float x) { return std::exp(x); }
inline float __exp2f(float x) { return std::exp2(x); }
inline float __logf(float x) { return std::log(x); }
inline float __log2f(float x) { return std::log2(x); }
inline float __sinf(float x) { return std::sin(x); }
inline float __cosf(float x) { return std::cos(x); }
inline float __powf(float x, float y) { return std::pow(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __frsqrt_rn(float x) { return 1.0f / std::sqrt(x); }
inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __fmaf_rn(float x, float y, float z) { return std::fma(x, y, z); }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1.0f) : 0.0f; }
inline int __float2int_rn(float x) { return static_cast<int>(std::nearbyint(x)); }
inline int __float2int_rz(float x) { return static_cast<int>(x); }
inline int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
inline unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
inline float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
inline long long __double_as_longlong(double x) { return __builtin_bit_cast(long long, x); }
inline double __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(static_cast<unsigned>(x)) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(static_cast<unsigned long long>(x)) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
  unsigned y = 0;
  for (int i = 0; i < 32; ++i) y |= (x >> i & 1) << (31 - i);
  return y;
}
inline unsigned __umulhi(unsigned x, unsigned y) { return static_cast<unsigned>(static_cast<uint64_t>(x) * y >> 32); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return static_cast<unsigned long long>(static_cast<unsigned __int128>(x) * y >> 64);
}
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const uint64_t both = static_cast<uint64_t>(y) << 32 | x;
  unsigned out = 0;
  for (int i = 0; i < 4; ++i) out |= static_cast<unsigned>(both >> 8 * (selector >> 4 * i & 7) & 0xff) << 8 * i;
  return out;
}
template <class T>
  requires std::is_arithmetic_v<T>
T min(T x, std::type_identity_t<T> y) {
  return y < x ? y : x;
}
template <class T>
  requires std::is_arithmetic_v<T>
T max(T x, std::type_identity_t<T> y) {
  return x < y ? y : x;
}
inline long long clock64() { return 0; }

inline size_t __cvta_generic_to_shared(const void* p) { return reinterpret_cast<size_t>(p); }
