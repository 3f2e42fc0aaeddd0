// What BlockLSTM and BlockLSTMGrad share, on every device: sizes, and where the inputs and results of one time are.
#pragma once

#include "core/op.h"
#include "core/registry.h"
#include "simd/block_lstm.h"

namespace tfmini {

// Inputs of both ops, and outputs of BlockLSTM, by position.
namespace block_lstm {
constexpr int kSteps = 0, kX = 1, kStateBefore = 2, kOutputBefore = 3, kW = 4, kWci = 5, kWcf = 6, kWco = 7, kB = 8,
              kResults = 9;
constexpr int kI = 0, kCs = 1, kF = 2, kO = 3, kCi = 4, kCo = 5, kH = 6, kNumResults = 7;
constexpr int kStateGrad = kResults + kNumResults, kOutputGrad = kStateGrad + 1;
// Outputs of BlockLSTMGrad.
constexpr int kDx = 0, kDStateBefore = 1, kDOutputBefore = 2, kDw = 3, kDwci = 4, kDwcf = 5, kDwco = 6, kDb = 7;
}  // namespace block_lstm

struct BlockLSTMSizes {
  int64_t times, batch, inputs, units;
  int64_t steps;  // the first of the times that are computed; the rest gives zeros

  explicit BlockLSTMSizes(const KernelContext& c)
      : times(c.input(block_lstm::kX).dim(0)),
        batch(c.input(block_lstm::kX).dim(1)),
        inputs(c.input(block_lstm::kX).dim(2)),
        units(c.input(block_lstm::kStateBefore).dim(1)),
        steps(c.in<int64_t>(block_lstm::kSteps)[0]) {
    check(steps >= 0 && steps <= times, "seq_len_max is ", steps, ", but x has ", times, " times");
  }

  int64_t state() const { return batch * units; }  // elements of one time
  int64_t columns() const { return 4 * units; }
};

struct BlockLSTMOptions {
  float forget_bias, cell_clip;
  bool use_peephole;

  explicit BlockLSTMOptions(const Attrs& attrs)
      : forget_bias(attrs.real("forget_bias")),
        cell_clip(attrs.real("cell_clip")),
        use_peephole(attrs.flag("use_peephole")) {}
};

// The three inputs from kWci on, if the attribute says that they are used.
template <class T>
simd::PeepholeRows<T> peepholes(const KernelContext& c, bool use) {
  if (!use) return {};
  return {c.in<T>(block_lstm::kWci), c.in<T>(block_lstm::kWcf), c.in<T>(block_lstm::kWco)};
}

}  // namespace tfmini
