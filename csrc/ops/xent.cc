// Cross entropy between labels and the softmax of logits, with its gradient computed on the way.
#include <algorithm>

#include "core/parallel.h"
#include "core/registry.h"
#include "simd/xent.h"

namespace tfmini {
namespace {

void dense_shape(InferContext& c) {
  const auto matrix = [&c](int i) {
    const Shape& s = c.input(i);
    check(!s.known_rank() || s.rank() <= 2, "logits and labels must broadcast to a matrix, got shapes ", c.input(0),
          " and ", c.input(1));
    return s;
  };
  Shape s = broadcast(matrix(0), matrix(1));
  check(!s.known_rank() || s.rank() == 2, "logits and labels must broadcast to a matrix, got shapes ", c.input(0),
        " and ", c.input(1));
  if (!s.known_rank()) s = Shape::unknown_of_rank(2);
  c.set_output(0, Shape{s[0]});
  c.set_output(1, s);
}

// Input i spread out to the shape of the backprop where that changes its rows.
template <class T>
Tensor spread_columns(KernelContext& c, int i, int64_t classes) {
  const Tensor& t = c.input(i);
  const int64_t cols = t.shape().rank() == 0 ? 1 : t.dim(-1);
  if (cols == classes) return t;
  const int64_t rows = t.num_elements();
  Tensor wide = c.scratch(dtype_of<T>, Shape{rows, classes});
  for (int64_t r = 0; r < rows; ++r) std::fill_n(wide.data<T>() + r * classes, classes, c.in<T>(i)[r]);
  return wide;
}

// exp, log-sum, scale and label passes together, per element.
constexpr double kCost = 1.3;

template <class T>
struct SoftmaxCrossEntropyWithLogits {
  static void run(KernelContext& c) {
    const int64_t rows = c.output(1).dim(0), classes = c.output(1).dim(1);
    T* loss = c.out<T>(0);
    T* backprop = c.out<T>(1);
    if (classes == 0) {
      std::fill_n(loss, rows, T(0.0f));
      return;
    }
    const Tensor logits = spread_columns<T>(c, 0, classes), labels = spread_columns<T>(c, 1, classes);
    // One row serves for all if there is only one.
    const int64_t x_step = logits.num_elements() == classes ? 0 : classes;
    const int64_t y_step = labels.num_elements() == classes ? 0 : classes;
    const T* x = logits.data<T>();
    const T* y = labels.data<T>();
    const auto row = simd::xent_loops<T>().dense;
    parallel_for(rows, grain_for_cost(20.0 + kCost * static_cast<double>(classes)), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        loss[r] = row(x + r * x_step, y + r * y_step, backprop + r * classes, classes);
    });
  }
};

void sparse_shape(InferContext& c) {
  const Shape logits = c.with_rank(0, 2), labels = c.with_rank(1, 1);
  const Shape rows = merge(Shape{logits[0]}, labels);
  c.set_output(0, rows);
  c.set_output(1, Shape{rows[0], logits[1]});
}

template <class T, class Index>
void sparse_rows(KernelContext& c) {
  const int64_t rows = c.input(0).dim(0), classes = c.input(0).dim(1);
  const Index* labels = c.in<Index>(1);
  check(classes > 0 || rows == 0, "must have at least one class, but got logits of shape ", c.input(0).shape());
  for (int64_t r = 0; r < rows; ++r)
    check(labels[r] >= 0 && labels[r] < classes, "received a label value of ", labels[r], " (at position ", r,
          ") which is outside the valid range of [0, ", classes, ")");
  const T* x = c.in<T>(0);
  T* loss = c.out<T>(0);
  T* backprop = c.out<T>(1);
  const auto row = simd::xent_loops<T>().sparse;
  parallel_for(rows, grain_for_cost(20.0 + kCost * static_cast<double>(classes)), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) loss[r] = row(x + r * classes, labels[r], backprop + r * classes, classes);
  });
}

template <class T>
struct SparseSoftmaxCrossEntropyWithLogits {
  static void run(KernelContext& c) {
    if (c.input(1).dtype() == DType::kInt32)
      sparse_rows<T, int32_t>(c);
    else
      sparse_rows<T, int64_t>(c);
  }
};

}  // namespace

void register_xent(Registry& r) {
  r.op("SoftmaxCrossEntropyWithLogits")
      .input("features: T")
      .input("labels: T")
      .output("loss: T")
      .output("backprop: T")
      .attr("T: {half, bfloat16, float, double}")
      .shape(dense_shape)
      .in_place(0, 1);
  r.kernels<SoftmaxCrossEntropyWithLogits>("SoftmaxCrossEntropyWithLogits", DeviceKind::kCPU, FloatTypes{});

  r.op("SparseSoftmaxCrossEntropyWithLogits")
      .input("features: T")
      .input("labels: Tlabels")
      .output("loss: T")
      .output("backprop: T")
      .attr("T: {half, bfloat16, float, double}")
      .attr("Tlabels: {int32, int64} = int64")
      .shape(sparse_shape)
      .in_place(0, 1);
  r.kernels<SparseSoftmaxCrossEntropyWithLogits>("SparseSoftmaxCrossEntropyWithLogits", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini
