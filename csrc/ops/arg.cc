// ArgMax and ArgMin: the first index of the largest or smallest element along one axis.
#include <algorithm>
#include <limits>

#include "core/parallel.h"
#include "core/registry.h"
#include "simd/reduce.h"

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

// Is a beyond b, in the direction searched? NaNs are beyond nothing and nothing is beyond them.
template <bool kMax, class C>
bool beyond(C a, C b) {
  return kMax ? a > b : a < b;
}
template <bool kMax, class C>
constexpr C worst() {
  using L = std::numeric_limits<C>;
  if constexpr (L::has_infinity) return kMax ? -L::infinity() : L::infinity();
  return kMax ? L::lowest() : L::max();
}

template <bool kMax, class T>
int64_t arg_by_element(const T* x, int64_t begin, int64_t end, ComputeType<T>& best, int64_t index) {
  using C = ComputeType<T>;
  for (int64_t i = begin; i < end; ++i) {
    if (!beyond<kMax>(static_cast<C>(x[i]), best)) continue;
    best = static_cast<C>(x[i]);
    index = i;
  }
  return index;
}

// The extremes of blocks come from vector code; only in the block that holds the best of them is it looked up.
template <bool kMax, class T>
int64_t arg_of_row(const T* x, int64_t n) {
  using C = ComputeType<T>;
  constexpr int64_t kBlock = 256;
  C best = worst<kMax, C>();
  if (n <= 16) return arg_by_element<kMax>(x, 0, n, best, 0);
  const auto extreme = simd::reduce_loops<T>(kMax ? simd::Reduction::kMax : simd::Reduction::kMin).rows;
  int64_t index = 0;
  bool is_block = false;  // index is where the block begins
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t end = std::min(n, begin + kBlock);
    C of_block;
    extreme(x + begin, &of_block, 1, end - begin);
    if (of_block != of_block) {
      const C before = best;
      const int64_t found = arg_by_element<kMax>(x, begin, end, best, index);
      if (best != before) {
        index = found;
        is_block = false;
      }
    } else if (beyond<kMax>(of_block, best)) {
      best = of_block;
      index = begin;
      is_block = true;
    }
  }
  if (is_block)
    while (static_cast<C>(x[index]) != best) ++index;
  return index;
}

// Columns [0, cols) of a matrix with rows of `stride`. Indices are kept as wide as the values, so that both are
// selected by one mask.
template <bool kMax, class T, class Index>
void arg_of_columns(const T* x, Index* out, int64_t rows, int64_t cols, int64_t stride) {
  using C = ComputeType<T>;
  using At = std::conditional_t<sizeof(C) == 8, int64_t, int32_t>;
  constexpr int kTile = 256;
  constexpr int64_t kMaxRows = std::numeric_limits<int32_t>::max();
  C best[kTile];
  At at[kTile];
  for (int64_t from = 0; from < cols; from += kTile) {
    const int n = static_cast<int>(std::min<int64_t>(kTile, cols - from));
    std::fill_n(best, n, worst<kMax, C>());
    std::fill_n(out + from, n, Index(0));
    for (int64_t first = 0; first < rows; first += kMaxRows) {
      const At some = static_cast<At>(std::min(rows - first, kMaxRows));
      std::fill_n(at, n, At(-1));
      for (At r = 0; r < some; ++r) {
        const T* row = x + (first + r) * stride + from;
        for (int i = 0; i < n; ++i) {
          const C value = static_cast<C>(row[i]);
          const bool better = beyond<kMax>(value, best[i]);
          best[i] = better ? value : best[i];
          at[i] = better ? r : at[i];
        }
      }
      for (int i = 0; i < n; ++i)
        if (at[i] >= 0) out[from + i] = static_cast<Index>(first + at[i]);
    }
  }
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
    parallel_for(outer, grain_for_bytes(n * item_bytes), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) out[o] = static_cast<Index>(arg_of_row<kMax>(in + o * n, n));
    });
    return;
  }
  const int64_t tile = std::min<int64_t>(inner, 1024), tiles = (inner + tile - 1) / tile;
  parallel_for(outer * tiles, grain_for_bytes(n * tile * item_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t o = task / tiles, from = task % tiles * tile;
      arg_of_columns<kMax>(in + o * n * inner + from, out + o * inner + from, n, std::min(tile, inner - from), inner);
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
