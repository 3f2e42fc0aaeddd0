// Correlations of dense taps with step 1 by Winograd's minimal filtering (simd/winograd.h): forward
// convolutions and input gradients of float images. 3 x 3 taps cost a quarter of the multiplications, 5 x 5
// little more than a third, 3 in a row a half, 7 in a row four sevenths.
//
// Error: for independent values its root mean square is about twice that of the direct sum, three times for
// seven taps, at most four and six times (tests/cpp/conv_test.cc). In the worst case, over n source channels, it stays
// below K_h K_w (n + 32) n eps max|x| max|w|, eps = 2^-24, with K = 25, 38 and 115 for an axis of 3, 5 and 7 taps and 1
// for one: the largest sum, over the points, of products of the three transforms' row sums. NaN and infinity
// spread over the tile they are in.
#pragma once

#include "conv/correlate.h"
#include "simd/winograd.h"

namespace tfmini::conv {

// Can this job be done so, and is it then faster?
template <class T>
bool winograd_wins(const Correlation<T>& job);

void winograd(const Correlation<float>& job);

// The same for the gradient of a filter: sums over tiles of products of the transposed transforms. Its error's
// root mean square is about four times that of the direct sum, below 32 eps times the largest gradient (tested).
// In the worst case it stays below the bound above with n pixels, and K = 31, 20 and 57.
template <class T>
bool winograd_filter_wins(const ConvGeometry& g);

void winograd_filter_grad(const ConvGeometry& g, const float* input, const float* grad, float* dfilter);

// Shared by both. Arrays per point lie this many elements apart, a cache line past a multiple of the set stride:
// arrays at equal distances modulo 4096 would evict each other from L1.
int64_t winograd_spread(int64_t elements);
// The scheme for so many taps, or null.
const simd::WinogradScheme* winograd_scheme(int64_t taps_h, int64_t taps_w);
constexpr double kWinogradTransform = 8;  // multiply-adds that take as long as making one transformed value

}  // namespace tfmini::conv
