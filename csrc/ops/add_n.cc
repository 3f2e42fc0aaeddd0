// The sum of many tensors of one shape, in one pass over memory, or of many matrix products.
#include <algorithm>
#include <cstring>

#include "core/infer.h"
#include "core/parallel.h"
#include "gemm/gemm.h"
#include "ops/elementwise.h"

namespace tfmini {
namespace {

class AddN {
 public:
  explicit AddN(const Attrs& attrs) : dtype_(attrs.dtype("T")) {}
  void operator()(KernelContext& c) const {
    const int count = c.num_inputs();
    const size_t size = dtype_size(dtype_);
    const auto add = simd::binary_table().at(simd::Binary::kAdd, dtype_).vector_vector;
    char* out = static_cast<char*>(c.output(0).raw());
    auto in = [&](int i) { return static_cast<const char*>(c.input(i).raw()); };
    parallel_for(c.output(0).num_elements(), elementwise_grain(0.2 * count, (count + 1) * size),
                 [&](int64_t begin, int64_t end) {
                   constexpr int64_t kBlock = 2048;  // the running sum stays in L1
                   for (int64_t i = begin; i < end; i += kBlock) {
                     const int64_t n = end - i < kBlock ? end - i : kBlock;
                     if (count == 1) {
                       if (in(0) != out) std::memcpy(out + i * size, in(0) + i * size, n * size);
                       continue;
                     }
                     add(in(0) + i * size, in(1) + i * size, out + i * size, n);
                     for (int k = 2; k < count; ++k) add(out + i * size, in(k) + i * size, out + i * size, n);
                   }
                 });
  }

 private:
  DType dtype_;
};

void sum_of_products_shape(InferContext& c) {
  const int count = c.num_inputs() / 2;
  Shape out = Shape::unknown_of_rank(2);
  for (int i = 0; i < count; ++i) {
    const Shape a = c.with_rank(i, 2), b = c.with_rank(count + i, 2);
    merge_dims(a[0], b[0], "rows of a and b");
    out = merge(out, Shape{a[1], b[1]});
  }
  c.set_output(0, out);
}

// sum_i a_i' b_i. Short matrices are copied on top of each other, so that products are deep enough to be
// fast and their results are not read and written for every few rows.
template <class T>
class SumOfProducts {
 public:
  explicit SumOfProducts(const Attrs&) {}

  void operator()(KernelContext& c) const {
    const int count = c.num_inputs() / 2;
    const int64_t m = c.output(0).dim(0), n = c.output(0).dim(1);
    T* const out = c.out<T>(0);
    GemmEpilogue<T> epilogue;
    for (int first = 0; first < count;) {
      int64_t rows = c.input(first).dim(0);
      int last = first + 1;
      while (last < count && rows + c.input(last).dim(0) <= kJoinedRows) rows += c.input(last++).dim(0);
      if (last == first + 1) {
        multiply(m, n, rows, c.in<T>(first), c.in<T>(count + first), out, epilogue);
      } else {
        const Tensor a = joined(c, first, last, {rows, m}), b = joined(c, count + first, count + last, {rows, n});
        multiply(m, n, rows, a.data<T>(), b.data<T>(), out, epilogue);
      }
      epilogue.accumulate = true;
      first = last;
    }
  }

 private:
  static constexpr int64_t kJoinedRows = 1024;

  static void multiply(int64_t m, int64_t n, int64_t k, const T* a, const T* b, T* out, const GemmEpilogue<T>& e) {
    gemm<T>(m, n, k, row_major(a, m, true), row_major(b, n), out, n, e);
  }

  static Tensor joined(const KernelContext& c, int first, int last, const Shape& shape) {
    Tensor t = c.scratch(dtype_of<T>, shape);
    T* to = t.data<T>();
    for (int i = first; i < last; ++i) to = std::copy_n(c.in<T>(i), c.input(i).num_elements(), to);
    return t;
  }
};

}  // namespace

void register_add_n(Registry& r) {
  // In place over the first input only: the others are read after the output's first write.
  r.op("AddN")
      .input("inputs: N * T")
      .output("sum: T")
      .attr("N: int >= 1")
      .attr(type_attr(simd::kNumbers))
      .shape(shapes::merged)
      .in_place(0)
      .elementwise();
  for (simd::DTypeMask rest = simd::kNumbers; rest != 0; rest &= rest - 1)
    r.kernel<AddN>("AddN", DeviceKind::kCPU, static_cast<DType>(__builtin_ctz(rest)));

  // Made by passes/join_products.cc.
  r.op("_SumOfProducts")
      .input("a: N * T")
      .input("b: N * T")
      .output("sum: T")
      .attr("N: int >= 1")
      .attr("T: {float, double}")
      .shape(sum_of_products_shape);
  r.kernels<SumOfProducts>("_SumOfProducts", DeviceKind::kCPU, TypeList<float, double>{});
}

}  // namespace tfmini
