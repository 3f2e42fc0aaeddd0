// Where ReverseSequence finds elements, for the CPU and CUDA kernels.
#pragma once

#include <algorithm>

#include "core/half.h"
#include "core/shape.h"

namespace tfmini {

// The tensor seen as runs of `inner` elements, of shape [.., first, middle.., second] with the batch and the sequence
// as first and second, in either order.
struct ReversedSequences {
  ReversedSequences(const Shape& x, int batch, int seq)
      : outer(x.product(0, std::max(batch, seq))),
        first(x.dim(std::min(batch, seq))),
        middle(x.product(std::min(batch, seq) + 1, std::max(batch, seq))),
        second(x.dim(std::max(batch, seq))),
        inner(x.product(std::max(batch, seq) + 1, x.rank())),
        time_first(seq < batch) {}

  int64_t runs() const { return outer * second; }
  TFMINI_HOST_DEVICE int64_t steps() const { return time_first ? first : second; }
  // Run o * second + j is at place (i, j) of batch and sequence.
  TFMINI_HOST_DEVICE int64_t place(int64_t o) const { return o / middle % first; }
  TFMINI_HOST_DEVICE int64_t sequence(int64_t i, int64_t j) const { return time_first ? j : i; }
  // The run that comes there when the first `length` steps of its sequence are reversed.
  TFMINI_HOST_DEVICE int64_t source(int64_t o, int64_t i, int64_t j, int64_t length) const {
    const int64_t step = time_first ? i : j, away = step < length ? length - 1 - 2 * step : 0;
    return o * second + j + away * (time_first ? middle * second : 1);
  }

  int64_t outer, first, middle, second, inner;
  bool time_first;
};

}  // namespace tfmini
