// The register tile of the GEMM micro-kernel, per instruction set. Only for csrc/simd/gemm_*.cc.
//
// kRows x kVecs accumulator vectors, kVecs vectors of B and one broadcast of A must fit the vector
// registers: 14 * 2 + 2 + 1 = 31 of 32 for AVX-512, 6 * 2 + 2 + 1 = 15 of 16 for AVX2.
#pragma once

#include <cstdint>

namespace tfmini::simd {
namespace {

#if defined(__AVX512F__)
constexpr int kVecBytes = 64;
constexpr int kTileRows = 14;
#elif defined(__AVX2__)
constexpr int kVecBytes = 32;
constexpr int kTileRows = 6;
#else
constexpr int kVecBytes = 16;
constexpr int kTileRows = 4;
#endif
constexpr int kTileVecs = 2;

template <class T>
constexpr int kLanes = kVecBytes / static_cast<int>(sizeof(T));
template <class T>
constexpr int kTileCols = kTileVecs * kLanes<T>;

template <class T>
struct VecOf;
template <>
struct VecOf<float> {
  typedef float type __attribute__((vector_size(kVecBytes)));
  typedef float unaligned __attribute__((vector_size(kVecBytes), aligned(4), may_alias));
  typedef int32_t mask __attribute__((vector_size(kVecBytes)));
};
template <>
struct VecOf<double> {
  typedef double type __attribute__((vector_size(kVecBytes)));
  typedef double unaligned __attribute__((vector_size(kVecBytes), aligned(8), may_alias));
  typedef int64_t mask __attribute__((vector_size(kVecBytes)));
};
template <class T>
using Vec = typename VecOf<T>::type;

template <class T>
__attribute__((always_inline)) inline Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename VecOf<T>::unaligned*>(p);
}
template <class T>
__attribute__((always_inline)) inline void store(T* p, Vec<T> v) {
  *reinterpret_cast<typename VecOf<T>::unaligned*>(p) = v;
}
// x - 0 is x for every x, -0 included: the compiler makes a broadcast of it.
template <class T>
__attribute__((always_inline)) inline Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

}  // namespace
}  // namespace tfmini::simd
