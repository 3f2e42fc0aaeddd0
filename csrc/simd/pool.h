// Pooling of one output pixel, all channels of a window's pixels, which are given as pointers; and of a row of
// outputs from a line whose every window is complete.
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

// `taps` are the window's pixels inside the image, `count` of them; every pointer is to n channels.
template <class T>
struct PoolLoops {
  // The largest number of the window; lowest() if it holds none (only NaN, or -inf), as in TensorFlow.
  void (*max)(const T* const* taps, int64_t count, T* out, int64_t n);
  // The first element that no later one exceeds (unless best is null), and its index positions[tap], of n
  // channels each; a NaN in front stays.
  void (*argmax)(const T* const* taps, const int32_t* positions, int64_t count, T* best, int32_t* at, int64_t n);
  // out = sum over j of g[j] where at[j] == position: what `count` windows send to one pixel.
  void (*select)(const T* const* g, const int32_t* const* at, int32_t position, int64_t count, T* out, int64_t n);
  // The other way, one window's pixel at a time: out[i] += g[i] where at[i] == position.
  void (*send)(const T* g, const int32_t* at, int32_t position, T* out, int64_t n);
  // out = scale * sum of taps.
  void (*sum)(const T* const* taps, int64_t count, T scale, T* out, int64_t n);
  // out = sum of scales[j] * taps[j].
  void (*weighted)(const T* const* taps, const T* scales, int64_t count, T* out, int64_t n);

  // out[i][c] = the largest, or the sum, of line[i * step + k * n + c] over k < taps; i < count, c < n.
  void (*max_along)(const T* line, int64_t step, int64_t taps, T* out, int64_t count, int64_t n);
  void (*sum_along)(const T* line, int64_t step, int64_t taps, T* out, int64_t count, int64_t n);
  // The other way: line[i * step + k * n + c] += x[i][c].
  void (*spread)(const T* x, T* line, int64_t step, int64_t taps, int64_t count, int64_t n);
};

struct PoolTable {
  PoolLoops<float> f32;
  PoolLoops<double> f64;
  PoolLoops<int8_t> i8;
  PoolLoops<int16_t> i16;
  PoolLoops<int32_t> i32;
  PoolLoops<int64_t> i64;
  PoolLoops<uint8_t> u8;
  PoolLoops<uint16_t> u16;
};

TFMINI_SIMD_TABLE(PoolTable, pool_table)

template <class T>
const PoolLoops<T>& pool_loops();
template <>
inline const PoolLoops<float>& pool_loops<float>() {
  return pool_table().f32;
}
template <>
inline const PoolLoops<double>& pool_loops<double>() {
  return pool_table().f64;
}
template <>
inline const PoolLoops<int8_t>& pool_loops<int8_t>() {
  return pool_table().i8;
}
template <>
inline const PoolLoops<int16_t>& pool_loops<int16_t>() {
  return pool_table().i16;
}
template <>
inline const PoolLoops<int32_t>& pool_loops<int32_t>() {
  return pool_table().i32;
}
template <>
inline const PoolLoops<int64_t>& pool_loops<int64_t>() {
  return pool_table().i64;
}
template <>
inline const PoolLoops<uint8_t>& pool_loops<uint8_t>() {
  return pool_table().u8;
}
template <>
inline const PoolLoops<uint16_t>& pool_loops<uint16_t>() {
  return pool_table().u16;
}

}  // namespace tfmini::simd
