// The register tile of a convolution: a few pixels times a few vectors of output channels, with
// the pixels read where they are (no im2col).
#pragma once

#include <cstdint>

#include "simd/dispatch.h"

namespace tfmini::simd {

// What sums still need before they are stored: c = clamp(c + bias[j] + what lies as far from `add` as c
// from `dest`, low, high). NaN stays NaN.
template <class T>
struct ConvFinish {
  const T* bias;  // of column 0; or null
  const T* add;   // or null
  const T* dest;
  T low, high;
};

// C[i][j] (+)= sum_k A_i[k] * B[k][j]. Row A_i consists of runs: `length` elements `step` apart,
// the first at a[i] + offsets[run]. k counts through all runs, B's rows lie `ldb` apart.
//
// Forward and input gradient: a row is a pixel, a run is a row of the filter (step 1). Filter
// gradient: a row is one (tap, channel), a run is a row of the image (step = distance of pixels).
template <class T>
struct ConvTile {
  const T* const* a;
  const int64_t* offsets;
  int64_t runs;
  int64_t length;
  int64_t step;
  const T* b;  // whole vectors are read: `cols` rounded up to the vector length must be readable
  int64_t ldb;
  T* const* c;
  int64_t c_offset;  // added to every c[i]
  int64_t cols;      // columns to store, in (lanes * (vectors - 1), lanes * vectors]
  bool accumulate;
  T* const* next;                         // as many rows that will be stored soon: fetched meanwhile
  const ConvFinish<T>* finish = nullptr;  // null: the sums are stored as they are
};

template <class T>
struct ConvTiles {
  static constexpr int kMaxRows = 8;
  static constexpr int kMaxVectors = 4;
  int lanes;
  int max_vectors;
  int max_rows[kMaxVectors];  // by vectors - 1
  using Fn = void (*)(const ConvTile<T>&);
  Fn tile[kMaxVectors][kMaxRows];  // by vectors - 1, rows - 1
  // The same for sums that are stored already: `cols` of them at each c[i] + offset.
  void (*finish)(const ConvFinish<T>&, T* const* c, int64_t offset, int64_t rows, int64_t cols);
};

struct ConvTable {
  ConvTiles<float> f32;
  ConvTiles<double> f64;
};

TFMINI_SIMD_TABLE(ConvTable, conv_table)

template <class T>
const ConvTiles<T>& conv_tiles() {
  if constexpr (sizeof(T) == sizeof(float))
    return conv_table().f32;
  else
    return conv_table().f64;
}

}  // namespace tfmini::simd
