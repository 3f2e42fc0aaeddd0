// Optimizer updates: one pass over a variable, its slots and its gradient.
#pragma once

#include <cstdint>

#include "core/half.h"
#include "simd/dispatch.h"

namespace tfmini::simd {

// One rule per optimizer op; training.cc says what each does. The names are those of the ops.
enum class Rule : int {
  kGradientDescent,
  kMomentum,
  kAdagrad,
  kAdagradV2,
  kRMSProp,
  kCenteredRMSProp,
  kAdam,
  kAdaMax,
  kAdadelta,
  kFtrl,
  kFtrlV2,
  kProximalGradientDescent,
  kProximalAdagrad,
  kAdagradDA,
  kPowerSign,
  kAddSign,
  kCount,
};

// Updates n elements. state[0] is the variable, state[1..] the slots in the op's order; params are
// the op's scalar inputs in their order, then its flag (0 or 1) if it has one. 16-bit floats are
// computed in float.
template <class T, class C>
using UpdateFn = void (*)(T* const* state, const T* gradient, int64_t n, const C* params);

struct TrainingTable {
  UpdateFn<float, float> f32[static_cast<int>(Rule::kCount)];
  UpdateFn<double, double> f64[static_cast<int>(Rule::kCount)];
  UpdateFn<Half, float> f16[static_cast<int>(Rule::kCount)];
  UpdateFn<BFloat16, float> bf16[static_cast<int>(Rule::kCount)];
};

TFMINI_SIMD_TABLE(TrainingTable, training_table)

}  // namespace tfmini::simd
