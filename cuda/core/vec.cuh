// Elements moved 16 bytes at a time.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/dtype.h"

namespace tfmini::cuda {

inline constexpr int kThreads = 256;

// To the type arithmetic happens in, and back: one instruction where core/half.h takes a dozen.
template <class T>
__device__ __forceinline__ ComputeType<T> widen(T x) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<T, Half>) {
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
  }
#endif
  return static_cast<ComputeType<T>>(x);
}
template <class T, class C>
__device__ __forceinline__ T narrow(C x) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<T, Half>) {
    T y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(static_cast<float>(x)));
    return y;
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    T y;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(static_cast<float>(x)));
    return y;
  }
#endif
  return static_cast<T>(x);
}

template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  T v[N];
};

// Elements of the largest of these types that make up 16 bytes.
template <class... Ts>
inline constexpr int kPackOf = [] {
  size_t largest = 1;
  ((largest = sizeof(Ts) > largest ? sizeof(Ts) : largest), ...);
  return static_cast<int>(largest < 16 ? 16 / largest : 1);
}();

// The first `n` of N elements (zeros for the rest); all of them at once where they lie right.
template <int N, class T>
__device__ __forceinline__ void load_pack(const T* p, int64_t n, bool aligned, T (&out)[N]) {
  if (aligned && n >= N) {
    const auto pack = *reinterpret_cast<const Pack<T, N>*>(p);
#pragma unroll
    for (int i = 0; i < N; ++i) out[i] = pack.v[i];
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) out[i] = i < n ? p[i] : T{};
  }
}
template <int N, class T>
__device__ __forceinline__ void store_pack(T* p, int64_t n, bool aligned, const T (&in)[N]) {
  if (aligned && n >= N) {
    Pack<T, N> pack;
#pragma unroll
    for (int i = 0; i < N; ++i) pack.v[i] = in[i];
    *reinterpret_cast<Pack<T, N>*>(p) = pack;
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i)
      if (i < n) p[i] = in[i];
  }
}

// v[i] and v[i] = x for an i known only as the kernel runs: v stays in registers.
template <int N, class T>
__device__ __forceinline__ T pick(const T (&v)[N], int i) {
  T x = v[0];
#pragma unroll
  for (int k = 1; k < N; ++k)
    if (k == i) x = v[k];
  return x;
}
template <int N, class T>
__device__ __forceinline__ void put(T (&v)[N], int i, T x) {
#pragma unroll
  for (int k = 0; k < N; ++k)
    if (k == i) v[k] = x;
}
// out[i] = f(i). kLong: f is long enough that a kernel should hold it once, not N times.
template <bool kLong, int N, class T, class F>
__device__ __forceinline__ void fill_pack(T (&out)[N], const F& f) {
  if constexpr (kLong) {
#pragma unroll 1
    for (int i = 0; i < N; ++i) put(out, i, f(i));
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) out[i] = f(i);
  }
}

template <int N, class T>
__host__ __device__ bool is_aligned(const T* p) {
  return reinterpret_cast<uintptr_t>(p) % (sizeof(T) * N) == 0;
}

// Blocks for `items` threads; a grid never has none.
inline dim3 blocks_for(int64_t items, int threads = kThreads) {
  const int64_t blocks = (items + threads - 1) / threads;
  return dim3(static_cast<unsigned>(blocks < 1 ? 1 : blocks));
}
__device__ __forceinline__ int64_t thread_index() { return int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }

}  // namespace tfmini::cuda
