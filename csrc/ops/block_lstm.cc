// BlockLSTM: an LSTM over all times at once. The inputs' share of all pre-activations is one matrix product; each step
// adds that of the output before, with weights packed once, and does its gates in one pass. Backward, the gradients of
// the weights are one product over all times.
#include "ops/block_lstm.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/infer.h"
#include "core/parallel.h"
#include "gemm/matmul.h"

namespace tfmini {
namespace {

using namespace block_lstm;

void check_inputs(InferContext& c, Shape* x, Shape* state) {
  c.with_rank(kSteps, 0);
  *x = c.with_rank(kX, 3);
  *state = merge(c.with_rank(kStateBefore, 2), c.with_rank(kOutputBefore, 2));
  *state = merge(*state, Shape{(*x)[1], Shape::kUnknownDim});
  const int64_t units = (*state)[1], columns = multiply_dims(4, units);
  const Shape w = c.with_rank(kW, 2), wanted{add_dims((*x)[2], units), columns};
  check(w.compatible_with(wanted), "w must have shape [inputs + units, 4 units], here ", wanted, ", got ", w);
  for (int i : {kWci, kWcf, kWco}) merge(c.with_rank(i, 1), Shape{units});
  merge(c.with_rank(kB, 1), Shape{columns});
}

void block_lstm_shape(InferContext& c) {
  Shape x, state;
  check_inputs(c, &x, &state);
  for (int i = 0; i < kNumResults; ++i) c.set_output(i, Shape{x[0], state[0], state[1]});
}

void block_lstm_grad_shape(InferContext& c) {
  Shape x, state;
  check_inputs(c, &x, &state);
  for (int i = kResults; i <= kOutputGrad; ++i) merge(c.with_rank(i, 3), Shape{x[0], state[0], state[1]});
  c.set_output(kDx, x);
  c.set_output(kDStateBefore, state);
  c.set_output(kDOutputBefore, state);
  for (int i : {kDw, kDwci, kDwcf, kDwco, kDb}) c.set_output(i, c.input(kW + i - kDw));
}

// From 16-bit floats, where T is one, to those products are summed in.
template <class T>
Tensor widened(const KernelContext& c, int i) {
  using C = ComputeType<T>;
  if constexpr (std::is_same_v<T, C>) return c.input(i);
  Tensor wide = c.scratch(dtype_of<C>, c.input(i).shape());
  std::copy_n(c.in<T>(i), wide.num_elements(), wide.data<C>());
  return wide;
}

template <class T>
class BlockLSTM {
 public:
  explicit BlockLSTM(const Attrs& attrs) : options_(attrs) {}

  void operator()(KernelContext& c) const {
    const BlockLSTMSizes s(c);
    const int64_t done = s.steps * s.state();
    for (int i = 0; i < kNumResults; ++i) std::fill_n(c.out<T>(i) + done, (s.times - s.steps) * s.state(), T(0.0f));
    if (done == 0) return;

    const Tensor bias = widened<T>(c, kB);
    Tensor z = c.scratch(dtype_of<C>, Shape{s.steps * s.batch, s.columns()});
    const T* w = c.in<T>(kW);
    gemm<T>(s.steps * s.batch, s.columns(), s.inputs, row_major(c.in<T>(kX), s.inputs), row_major(w, s.columns()),
            z.data<C>(), s.columns(), {.bias = bias.data<C>()});
    const PackedMatrix<C> recurrent(s.units, s.columns(), row_major(w + s.inputs * s.columns(), s.columns()));
    const auto gates = simd::block_lstm_table().of<T>().forward;
    const auto weights = peepholes<T>(c, options_.use_peephole);
    for (int64_t t = 0; t < s.steps; ++t) {
      const T* cs_before = t ? c.out<T>(kCs) + (t - 1) * s.state() : c.in<T>(kStateBefore);
      const T* h_before = t ? c.out<T>(kH) + (t - 1) * s.state() : c.in<T>(kOutputBefore);
      C* zt = z.data<C>() + t * s.batch * s.columns();
      gemm<T>(s.batch, row_major(h_before, s.units), recurrent, zt, s.columns(), {.accumulate = true});
      parallel_for(s.batch, grain_for_cost(6.0 * static_cast<double>(s.units)), [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) {
          const int64_t at = t * s.state() + b * s.units;
          const auto to = [&](int r) { return c.out<T>(r) + at; };
          gates(s.units, zt + b * s.columns(), cs_before + b * s.units, weights, options_.forget_bias,
                options_.cell_clip, {to(kI), to(kCs), to(kF), to(kO), to(kCi), to(kCo), to(kH)});
        }
      });
    }
  }

 private:
  using C = ComputeType<T>;
  BlockLSTMOptions options_;
};

template <class T>
class BlockLSTMGrad {
 public:
  explicit BlockLSTMGrad(const Attrs& attrs) : use_peephole_(attrs.flag("use_peephole")) {}

  void operator()(KernelContext& c) const {
    const BlockLSTMSizes s(c);
    const int64_t rows = s.steps * s.batch;
    Tensor dz = c.scratch(dtype_of<T>, Shape{rows, s.columns()});
    Tensor dcs = c.scratch(dtype_of<C>, Shape{s.batch, s.units}), dh = c.scratch(dtype_of<C>, Shape{s.batch, s.units});
    std::fill_n(dcs.data<C>(), s.state(), C(0));
    std::fill_n(dh.data<C>(), s.state(), C(0));
    backward(c, s, dz.data<T>(), dcs.data<C>(), dh.data<C>());
    std::copy_n(dcs.data<C>(), s.state(), c.out<T>(kDStateBefore));
    std::copy_n(dh.data<C>(), s.state(), c.out<T>(kDOutputBefore));

    const T *w = c.in<T>(kW), *d = dz.data<T>();
    matmul<T>(rows, s.inputs, s.columns(), row_major(d, s.columns()), row_major(w, s.columns(), true), c.out<T>(kDx));
    std::fill_n(c.out<T>(kDx) + rows * s.inputs, (s.times - s.steps) * s.batch * s.inputs, T(0.0f));
    const Tensor h_before = shifted(c, s, kOutputBefore, kResults + kH);
    T* dw = c.out<T>(kDw);
    matmul<T>(s.inputs, s.columns(), rows, row_major(c.in<T>(kX), s.inputs, true), row_major(d, s.columns()), dw);
    matmul<T>(s.units, s.columns(), rows, row_major(h_before.data<T>(), s.units, true), row_major(d, s.columns()),
              dw + s.inputs * s.columns());
    sum_rows(rows, s.columns(), c.out<T>(kDb), [&](int64_t r, int64_t j) { return C(d[r * s.columns() + j]); });
    peephole_gradients(c, s, d);
  }

 private:
  using C = ComputeType<T>;

  // Last step first. dcs and dh: what the steps after a step say about its state and output.
  void backward(KernelContext& c, const BlockLSTMSizes& s, T* dz, C* dcs, C* dh) const {
    const PackedMatrix<C> recurrent(s.columns(), s.units,
                                    row_major(c.in<T>(kW) + s.inputs * s.columns(), s.columns(), true));
    const auto gates = simd::block_lstm_table().of<T>().backward;
    const auto weights = peepholes<T>(c, use_peephole_);
    for (int64_t t = s.steps; t-- > 0;) {
      const int64_t first = t * s.state();
      const T* cs_before = t ? c.in<T>(kResults + kCs) + first - s.state() : c.in<T>(kStateBefore);
      T* dzt = dz + t * s.batch * s.columns();
      parallel_for(s.batch, grain_for_cost(6.0 * static_cast<double>(s.units)), [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) {
          const int64_t row = b * s.units, at = first + row;
          const auto from = [&](int r) { return c.in<T>(kResults + r) + at; };
          add(s.units, c.in<T>(kStateGrad) + at, dcs + row);
          add(s.units, c.in<T>(kOutputGrad) + at, dh + row);
          gates(s.units, {from(kI), from(kCs), from(kF), from(kO), from(kCi), from(kCo), from(kH)}, cs_before + row,
                weights, dcs + row, dh + row, dzt + 4 * row);
        }
      });
      gemm<T>(s.batch, row_major<T>(dzt, s.columns()), recurrent, dh, s.units);
    }
  }

  static void add(int64_t n, const T* x, C* sum) {
    for (int64_t i = 0; i < n; ++i) sum[i] += C(x[i]);
  }

  // The values before each step: `before`, then those of all steps but the last.
  static Tensor shifted(const KernelContext& c, const BlockLSTMSizes& s, int before, int values) {
    Tensor out = c.scratch(dtype_of<T>, Shape{s.steps * s.batch, s.units});
    if (s.steps == 0) return out;
    std::copy_n(c.in<T>(before), s.state(), out.data<T>());
    std::copy_n(c.in<T>(values), (s.steps - 1) * s.state(), out.data<T>() + s.state());
    return out;
  }

  // out[j] = sum over rows of value(row, j), in their order.
  template <class Value>
  static void sum_rows(int64_t rows, int64_t columns, T* out, const Value& value) {
    constexpr int64_t kColumns = 64;
    parallel_for((columns + kColumns - 1) / kColumns, grain_for_cost(0.3 * static_cast<double>(rows * kColumns)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t j0 = begin * kColumns; j0 < std::min(columns, end * kColumns); j0 += kColumns) {
                     const int64_t n = std::min(kColumns, columns - j0);
                     C sums[kColumns] = {};
                     for (int64_t r = 0; r < rows; ++r)
                       for (int64_t j = 0; j < n; ++j) sums[j] += value(r, j0 + j);
                     for (int64_t j = 0; j < n; ++j) out[j0 + j] = T(sums[j]);
                   }
                 });
  }

  void peephole_gradients(KernelContext& c, const BlockLSTMSizes& s, const T* dz) const {
    const int64_t rows = s.steps * s.batch, n = s.units;
    if (!use_peephole_) {
      for (int i : {kDwci, kDwcf, kDwco}) std::fill_n(c.out<T>(i), n, T(0.0f));
      return;
    }
    const Tensor before = shifted(c, s, kStateBefore, kResults + kCs);
    const auto sum = [&](int out, int gate, const T* state) {
      sum_rows(rows, n, c.out<T>(out),
               [&](int64_t r, int64_t j) { return C(dz[r * 4 * n + gate * n + j]) * C(state[r * n + j]); });
    };
    sum(kDwci, 0, before.data<T>());
    sum(kDwcf, 2, before.data<T>());
    sum(kDwco, 3, c.in<T>(kResults + kCs));
  }

  bool use_peephole_;
};

OpBuilder& add_inputs(OpBuilder& op) {
  op.input("seq_len_max: int64").input("x: T").input("cs_prev: T").input("h_prev: T").input("w: T");
  return op.input("wci: T").input("wcf: T").input("wco: T").input("b: T").host_input(kSteps);
}

}  // namespace

void register_block_lstm(Registry& r) {
  constexpr const char* kResultNames[] = {"i", "cs", "f", "o", "ci", "co", "h"};
  OpBuilder forward = r.op("BlockLSTM");
  add_inputs(forward);
  for (const char* name : kResultNames) forward.output(std::string(name) + ": T");
  forward.attr("forget_bias: float = 1.0")
      .attr("cell_clip: float = 3.0")
      .attr("use_peephole: bool = false")
      .attr("T: {half, bfloat16, float, double}")
      .shape(block_lstm_shape);
  r.kernels<BlockLSTM>("BlockLSTM", DeviceKind::kCPU, FloatTypes{});

  OpBuilder grad = r.op("BlockLSTMGrad");
  add_inputs(grad);
  for (const char* name : kResultNames) grad.input(std::string(name) + ": T");
  grad.input("cs_grad: T").input("h_grad: T");
  for (const char* name : {"x", "cs_prev", "h_prev", "w", "wci", "wcf", "wco", "b"})
    grad.output(std::string(name) + "_grad: T");
  grad.attr("use_peephole: bool").attr("T: {half, bfloat16, float, double}").shape(block_lstm_grad_shape);
  r.kernels<BlockLSTMGrad>("BlockLSTMGrad", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini
