// Correlations of 3 x 3 dense taps with step 1 by Winograd's minimal filtering F(4x4, 3x3), which
// multiplies a quarter as often: forward convolutions and input gradients of float images.
//
// Error: for independent values its root mean square is about twice that of the direct sum, at most
// four times (tests/cpp/conv_test.cc). In the worst case, over n source channels, it stays below
// 625 (n + 24) n eps max|x| max|w|, eps = 2^-24: 25 is the largest product of the row sums of the three
// transforms along one axis. NaN and infinity spread over the tile they are in.
#pragma once

#include "conv/correlate.h"

namespace tfmini::conv {

// Can this job be done so, and is it then faster?
template <class T>
bool winograd_wins(const Correlation<T>& job);

void winograd(const Correlation<float>& job);

}  // namespace tfmini::conv
