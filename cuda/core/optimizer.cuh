// The scalars of optimizer ops. They live on the device like other inputs: they may be variables that a run changes.
#pragma once

#include "core/vec.cuh"
#include "ops/training.h"

namespace tfmini::cuda {

inline constexpr int kMaxStates = 4, kMaxParams = 8;

template <class T>
struct ScalarFormat {
  int count;
  uint32_t int64s;  // which of them are int64, as bits
  ComputeType<T> flag;

  static ScalarFormat of(const KernelContext& c, const OptimizerNode<T>& node) {
    ScalarFormat f{};
    for (int arg : node.scalars()) {
      if (c.input(node.input(arg, 0)).dtype() == DType::kInt64) f.int64s |= 1u << f.count;
      ++f.count;
    }
    f.flag = node.flag();
    return f;
  }

  // What a rule is built from: the scalars at `at`, then the flag.
  __device__ __forceinline__ void read(const void* const* at, ComputeType<T> (&p)[kMaxParams]) const {
    using C = ComputeType<T>;
#pragma unroll
    for (int i = 0; i < kMaxParams; ++i) {
      p[i] = i == count ? flag : C(0);
      if (i < count)
        p[i] = int64s >> i & 1 ? static_cast<C>(*static_cast<const int64_t*>(at[i]))
                               : widen(*static_cast<const T*>(at[i]));
    }
  }
};

template <class T>
void locate_scalars(const KernelContext& c, const OptimizerNode<T>& node, int member, const void* (&at)[kMaxParams]) {
  int n = 0;
  for (int arg : node.scalars()) at[n++] = c.input(node.input(arg, member)).raw();
}

// One step of a rule for each of a pack's elements. Gradients may be in the type arithmetic happens in.
template <class Rule, class G, class T, int kPack>
__device__ __forceinline__ void step(const Rule& rule, const G (&g)[kPack], T (&s)[Rule::kStates][kPack]) {
#pragma unroll
  for (int i = 0; i < kPack; ++i) {
    ComputeType<T> wide[Rule::kStates];
#pragma unroll
    for (int k = 0; k < Rule::kStates; ++k) wide[k] = widen(s[k][i]);
    rule(widen(g[i]), wide);
#pragma unroll
    for (int k = 0; k < Rule::kStates; ++k) s[k][i] = narrow<T>(wide[k]);
  }
}

}  // namespace tfmini::cuda
