// What wgmma_*.cu instantiate, without the kernels.
#pragma once

#include "core/hopper.cuh"
#include "gemm/gemm.cuh"
#include "gemm/wgmma_gather.cuh"

namespace tfmini::cuda {

template <class T>
constexpr TensorElement tensor_element() {
  if constexpr (sizeof(T) == 4) return TensorElement::kTF32;
  return std::is_same_v<T, Half> ? TensorElement::kHalf : TensorElement::kBFloat16;
}

// An operand in memory: `outer` rows along k, or k rows along `outer`.
template <class T>
struct WgmmaOperand {
  const T* data;
  bool by_k;
  int64_t outer, k, ld, batch, batch_stride;

  TensorShape shape() const {
    TensorShape s;
    s.element = tensor_element<T>();
    s.data = data;
    s.cols = by_k ? k : outer;
    s.rows = by_k ? outer : k;
    s.batch = batch_stride ? batch : 1;
    s.row_stride = ld * static_cast<int64_t>(sizeof(T));
    s.batch_stride = batch_stride ? batch_stride * static_cast<int64_t>(sizeof(T)) : s.rows * s.row_stride;
    s.box_rows = by_k ? Box<true>::kOuter : 64;
    return s;
  }
};

// Runs the product on sm_90a; false (and nothing launched) if its operands do not allow that.
template <class T>
bool run_wgmma(const Place& place, const Gemm<T>& g, const GemmPlan& plan);

// The same with an A that is gathered: args are complete but for what the plan says. B is a matrix, or taps of a filter
// in boxes of `b_shape`; args.b says how they are found.
template <class A>
bool run_wgmma_gather(const Place& place, GatherArgs<A> args, int64_t batch, const GemmPlan& plan,
                      WgmmaOperand<typename A::Element> b, const TensorShape* b_shape);

}  // namespace tfmini::cuda
