// What the folds of segment reductions start with.
#pragma once

#include <limits>
#include <type_traits>

#include "core/dtype.h"

namespace tfmini {

enum class SegmentFold { kSum, kMean, kProd, kMin, kMax };

template <class T>
T extreme(bool highest) {
  if constexpr (std::is_same_v<ComputeType<T>, T>) {
    return highest ? std::numeric_limits<T>::max() : std::numeric_limits<T>::lowest();
  } else {
    // The largest finite value of the storage type, not of float.
    T t;
    t.bits = static_cast<uint16_t>((std::is_same_v<T, Half> ? 0x7bff : 0x7f7f) | (highest ? 0 : 0x8000));
    return t;
  }
}

// What a segment without slices holds in UnsortedSegment*, and the start of every fold.
template <SegmentFold fold, class T>
ComputeType<T> start_value() {
  using C = ComputeType<T>;
  if constexpr (fold == SegmentFold::kProd) return C(1);
  if constexpr (fold == SegmentFold::kMin) return static_cast<C>(extreme<T>(true));
  if constexpr (fold == SegmentFold::kMax) return static_cast<C>(extreme<T>(false));
  return C(0);
}

}  // namespace tfmini
