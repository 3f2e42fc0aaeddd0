#include "ops/fused_sums.h"

#include <algorithm>
#include <limits>

#include "ops/reduce.h"
#include "simd/binary.h"

namespace tfmini {
namespace {

using simd::Binary;
using simd::Reduction;

template <class Fn>
void with_float(DType dtype, const Fn& fn) {
  dtype == DType::kFloat ? fn(float{}) : fn(double{});
}

// sums[i] = sums[i] (op) x[i]
template <class T>
void join(Reduction op, T* sums, const T* x, int64_t n) {
  const Binary f = op == Reduction::kProd  ? Binary::kMul
                   : op == Reduction::kMax ? Binary::kMaximum
                   : op == Reduction::kMin ? Binary::kMinimum
                                           : Binary::kAddV2;
  simd::binary_table().at(f, dtype_of<T>).vector_vector(sums, x, sums, n);
}

template <class T>
T start_of(Reduction op) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  switch (op) {
    case Reduction::kProd:
      return T(1);
    case Reduction::kMax:
      return -kInfinity;
    case Reduction::kMin:
      return kInfinity;
    default:
      return T(0);
  }
}

}  // namespace

FusedSums::FusedSums(const FusedSteps& program, KernelContext& c, int64_t size, int64_t row, int64_t chunks)
    : program_(program), size_(size), row_(row) {
  for (const FusedRegister& r : program.registers)
    if (r.extent == Extent::kColumn || r.extent == Extent::kAll)
      partial_.push_back(c.scratch(r.type, Shape{chunks, r.extent == Extent::kColumn ? row : 1}));
}

template <class T>
T* FusedSums::sums(size_t step, int64_t chunk) {
  Tensor& t = partial_[result(step).slot];
  return t.data<T>() + chunk * t.dim(1);
}

void FusedSums::clear(int64_t chunk) {
  for (size_t i = 0; i < program_.steps.size(); ++i) {
    const FusedRegister& r = result(i);
    if (r.extent != Extent::kColumn && r.extent != Extent::kAll) continue;
    with_float(r.type, [&]<class T>(T) {
      const auto op = static_cast<Reduction>(program_.steps[i].function);
      std::fill_n(sums<T>(i, chunk), partial_[r.slot].dim(1), start_of<T>(op));
    });
  }
}

void FusedSums::reduce_rows(size_t step, const void* x, void* out, int64_t rows, int64_t width) const {
  const FusedStep& s = program_.steps[step];
  with_float(result(step).type, [&]<class T>(T) {
    T* sums = static_cast<T*>(out);
    simd::reduce_loops<T>(static_cast<Reduction>(s.function)).rows(static_cast<const T*>(x), sums, rows, width);
    if (s.mean)
      for (int64_t i = 0; i < rows; ++i) sums[i] /= static_cast<T>(row_);
  });
}

void FusedSums::add(size_t step, int64_t chunk, int64_t column, const void* x, int64_t rows, int64_t width,
                    void* scratch) {
  const FusedRegister& r = result(step);
  const auto op = static_cast<Reduction>(program_.steps[step].function);
  with_float(r.type, [&]<class T>(T) {
    const T* tile = static_cast<const T*>(x);
    const auto& loops = simd::reduce_loops<T>(op);
    if (r.extent == Extent::kAll) {
      T sum;
      loops.rows(tile, &sum, 1, rows * width);
      join(op, sums<T>(step, chunk), &sum, 1);
    } else {
      T* columns = static_cast<T*>(scratch);
      if (rows > 1) loops.columns(tile, columns, rows, width, width);
      join(op, sums<T>(step, chunk) + column, rows > 1 ? columns : tile, width);
    }
  });
}

void FusedSums::finish(size_t step, void* out) const {
  const FusedStep& s = program_.steps[step];
  const FusedRegister& r = result(step);
  with_float(r.type, [&]<class T>(T) {
    const Tensor& from = partial_[r.slot];
    T* to = static_cast<T*>(out);
    reduce_middle(static_cast<Reduction>(s.function), from.data<T>(), to, 1, from.dim(0), from.dim(1));
    if (s.mean)
      for (int64_t i = 0; i < from.dim(1); ++i) to[i] /= static_cast<T>(size_ / from.dim(1));
  });
}

}  // namespace tfmini
