// The gates of an LSTM step as one op, after the matrix product that makes their pre-activations.
#include "simd/lstm.h"

#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"

namespace tfmini {
namespace {

// z [batch, 4 units] and tensors of [batch, units]: checks them, returns the latter's shape.
Shape cell_shape(InferContext& c, std::initializer_list<int> cells) {
  const Shape z = c.with_rank(0, 2);
  check(z[1] < 0 || z[1] % 4 == 0, "z must have 4 columns per unit, got shape ", z);
  Shape cell{z[0], z[1] < 0 ? Shape::kUnknownDim : z[1] / 4};
  for (int i : cells) cell = merge(cell, c.with_rank(i, 2));
  return cell;
}

void gates_shape(InferContext& c) {
  const Shape cell = cell_shape(c, {1});
  c.set_output(0, cell);
  c.set_output(1, cell);
}

void gates_grad_shape(InferContext& c) {
  const Shape cell = cell_shape(c, {1, 2, 3, 4});
  c.set_output(0, Shape{cell[0], cell[1] < 0 ? Shape::kUnknownDim : 4 * cell[1]});
  c.set_output(1, cell);
}

template <class T>
class Gates {
 public:
  explicit Gates(const Attrs& attrs) : forget_bias_(attrs.real("forget_bias")) {}

  void operator()(KernelContext& c) const {
    const int64_t batch = c.output(0).dim(0), n = c.output(0).dim(1);
    const T *z = c.in<T>(0), *c_prev = c.in<T>(1);
    T *c_out = c.out<T>(0), *h_out = c.out<T>(1);
    const auto row = simd::lstm_table().of<T>().forward;
    // Five transcendental functions a unit.
    parallel_for(batch, grain_for_cost(5.0 * static_cast<double>(n)), [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        row(n, z + b * 4 * n, c_prev + b * n, forget_bias_, c_out + b * n, h_out + b * n);
    });
  }

 private:
  float forget_bias_;
};

template <class T>
class GatesGrad {
 public:
  explicit GatesGrad(const Attrs& attrs) : forget_bias_(attrs.real("forget_bias")) {}

  void operator()(KernelContext& c) const {
    const int64_t batch = c.output(1).dim(0), n = c.output(1).dim(1);
    const T *z = c.in<T>(0), *c_prev = c.in<T>(1), *c_out = c.in<T>(2), *dc = c.in<T>(3), *dh = c.in<T>(4);
    T *dz = c.out<T>(0), *dc_prev = c.out<T>(1);
    const auto row = simd::lstm_table().of<T>().backward;
    parallel_for(batch, grain_for_cost(6.0 * static_cast<double>(n)), [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        const int64_t at = b * n;
        row(n, z + 4 * at, c_prev + at, c_out + at, dc + at, dh + at, forget_bias_, dz + 4 * at, dc_prev + at);
      }
    });
  }

 private:
  float forget_bias_;
};

}  // namespace

void register_lstm(Registry& r) {
  r.op("_LSTMGates")
      .input("z: T")
      .input("c_prev: T")
      .output("c: T")
      .output("h: T")
      .attr("forget_bias: float = 1.0")
      .attr("T: {half, bfloat16, float, double}")
      .shape(gates_shape)
      .in_place(1, 0);
  r.kernels<Gates>("_LSTMGates", DeviceKind::kCPU, FloatTypes{});

  r.op("_LSTMGatesGrad")
      .input("z: T")
      .input("c_prev: T")
      .input("c: T")
      .input("dc: T")
      .input("dh: T")
      .output("dz: T")
      .output("dc_prev: T")
      .attr("forget_bias: float = 1.0")
      .attr("T: {half, bfloat16, float, double}")
      .shape(gates_grad_shape)
      .in_place(0, 0)
      .in_place(3, 1);
  r.kernels<GatesGrad>("_LSTMGatesGrad", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini
