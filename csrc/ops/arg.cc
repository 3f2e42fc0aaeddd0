// ArgMax and ArgMin: the first index of the largest or smallest element along one axis.
#include <algorithm>

#include "core/parallel.h"
#include "core/registry.h"
#include "simd/arg.h"

namespace tfmini {
namespace {

int read_axis(const Tensor& dimension, int rank) {
  check(dimension.num_elements() == 1, "dimension must be a scalar, got shape ", dimension.shape());
  return normalize_axis(dimension.int_at(0), rank, "dimension");
}

void arg_shape(InferContext& c) {
  const Shape& in = c.input(0);
  c.with_rank_at_most(1, 1);
  const Tensor* dimension = c.constant(1);
  if (!in.known_rank()) return c.set_output(0, Shape::unknown());
  if (!dimension) {
    check(in.rank() > 0, "a scalar has no axis to search");
    return c.set_output(0, Shape::unknown_of_rank(in.rank() - 1));
  }
  Shape out = in;
  out.remove_dim(read_axis(*dimension, in.rank()));
  c.set_output(0, out);
}

template <bool kMax, class T, class Index>
void arg(KernelContext& c) {
  const Shape& shape = c.input(0).shape();
  const int axis = read_axis(c.input(1), shape.rank());
  const int64_t outer = shape.product(0, axis), n = shape[axis], inner = shape.product(axis + 1, shape.rank());
  if (outer * inner == 0) return;
  check(n > 0, "reduction axis ", axis, " is empty in shape ", shape);
  const T* in = c.in<T>(0);
  Index* out = c.out<Index>(0);
  const int64_t item_bytes = static_cast<int64_t>(sizeof(T));
  if (inner == 1) {
    const auto of_row = kMax ? simd::arg_loops<T>().max_of_row : simd::arg_loops<T>().min_of_row;
    parallel_for(outer, grain_for_bytes(n * item_bytes), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) out[o] = static_cast<Index>(of_row(in + o * n, n));
    });
    return;
  }
  const auto of_columns = kMax ? simd::arg_loops<T>().max_of_columns : simd::arg_loops<T>().min_of_columns;
  constexpr int64_t kTile = 512;
  const int64_t tile = std::min(inner, kTile), tiles = (inner + tile - 1) / tile;
  parallel_for(outer * tiles, grain_for_bytes(n * tile * item_bytes), [&](int64_t begin, int64_t end) {
    int64_t rows[kTile];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t o = task / tiles, from = task % tiles * tile, cols = std::min(tile, inner - from);
      of_columns(in + o * n * inner + from, rows, n, cols, inner);
      std::copy_n(rows, cols, out + o * inner + from);
    }
  });
}

template <bool kMax, class T>
struct Arg {
  static void run(KernelContext& c) {
    if (c.output(0).dtype() == DType::kInt32)
      arg<kMax, T, int32_t>(c);
    else
      arg<kMax, T, int64_t>(c);
  }
};
template <class T>
struct ArgMax : Arg<true, T> {};
template <class T>
struct ArgMin : Arg<false, T> {};

void arg_op(Registry& r, const char* name) {
  r.op(name)
      .input("input: T")
      .input("dimension: Tidx")
      .output("output: output_type")
      .attr("T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}")
      .attr("Tidx: {int32, int64} = int32")
      .attr("output_type: {int32, int64} = int64")
      .shape(arg_shape)
      .host_input(1);
}

}  // namespace

void register_arg(Registry& r) {
  arg_op(r, "ArgMax");
  r.kernels<ArgMax>("ArgMax", DeviceKind::kCPU, NumberTypes{});
  arg_op(r, "ArgMin");
  r.kernels<ArgMin>("ArgMin", DeviceKind::kCPU, NumberTypes{});
}

}  // namespace tfmini
