// Cumulative sums and products along one axis.
#include <algorithm>
#include <type_traits>

#include "core/parallel.h"
#include "core/registry.h"

namespace tfmini {
namespace {

int read_axis(const Tensor& axis, int rank) {
  check(axis.shape().rank() == 0, "axis must be a scalar, got shape ", axis.shape());
  return normalize_axis(axis.int_at(0), rank);
}

void scan_shape(InferContext& c) {
  c.with_rank(1, 0);
  if (const Tensor* axis = c.constant(1); axis && c.input(0).known_rank()) read_axis(*axis, c.input(0).rank());
  c.set_output(0, c.input(0));
}

// Arithmetic type: float for the 16-bit floats, unsigned for integers, which wrap as in TensorFlow.
template <class T, bool = std::is_integral_v<T>>
struct Work {
  using type = ComputeType<T>;
};
template <class T>
struct Work<T, true> {
  using type = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
};

template <class T, bool kProduct>
class Scan {
 public:
  explicit Scan(const Attrs& attrs) : exclusive_(attrs.flag("exclusive")), reverse_(attrs.flag("reverse")) {}

  void operator()(KernelContext& c) const {
    const Shape& shape = c.input(0).shape();
    const int axis = read_axis(c.input(1), shape.rank());
    const int64_t outer = shape.product(0, axis), n = shape[axis], inner = shape.product(axis + 1, shape.rank());
    if (outer * n * inner == 0) return;
    // Lines that lie side by side are scanned together, a tile of them at a time.
    const int64_t tile = std::min<int64_t>(inner, kTile), tiles = (inner + tile - 1) / tile;
    const T* in = c.in<T>(0);
    T* out = c.out<T>(0);
    if (inner == 1) {
      parallel_for(outer, grain_for_cost(1.5 * static_cast<double>(n)), [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o) scan_line(in + o * n, out + o * n, n);
      });
      return;
    }
    parallel_for(outer * tiles, grain_for_cost(1.0 * static_cast<double>(n * tile)), [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t first = task / tiles * n * inner + task % tiles * tile;
        scan_tile(in + first, out + first, n, inner, std::min(tile, inner - task % tiles * tile));
      }
    });
  }

 private:
  using W = typename Work<T>::type;
  static constexpr int64_t kTile = 128;

  static W join(W a, W b) { return kProduct ? a * b : a + b; }

  static W widened(T x) { return static_cast<W>(static_cast<ComputeType<T>>(x)); }

  // Here and below, out may be in: an element is read before its place is written.
  void scan_line(const T* in, T* out, int64_t n) const {
    const int64_t step = reverse_ ? -1 : 1;
    int64_t at = reverse_ ? n - 1 : 0;
    W sum(kProduct ? 1 : 0);
    if (exclusive_) {
      for (int64_t k = 0; k < n; ++k, at += step) {
        const W next = join(sum, widened(in[at]));
        out[at] = static_cast<T>(sum);
        sum = next;
      }
    } else {
      for (int64_t k = 0; k < n; ++k, at += step) {
        sum = join(sum, widened(in[at]));
        out[at] = static_cast<T>(sum);
      }
    }
  }

  void scan_tile(const T* in, T* out, int64_t n, int64_t stride, int64_t cols) const {
    W sums[kTile];
    std::fill_n(sums, cols, W(kProduct ? 1 : 0));
    for (int64_t k = 0; k < n; ++k) {
      const int64_t at = (reverse_ ? n - 1 - k : k) * stride;
      for (int64_t i = 0; i < cols; ++i) {
        const W next = join(sums[i], widened(in[at + i]));
        out[at + i] = static_cast<T>(exclusive_ ? sums[i] : next);
        sums[i] = next;
      }
    }
  }

  bool exclusive_, reverse_;
};
template <class T>
struct Cumsum : Scan<T, false> {
  using Scan<T, false>::Scan;
};
template <class T>
struct Cumprod : Scan<T, true> {
  using Scan<T, true>::Scan;
};

void scan_op(Registry& r, const char* name) {
  r.op(name)
      .input("x: T")
      .input("axis: Tidx")
      .output("out: T")
      .attr("exclusive: bool = false")
      .attr("reverse: bool = false")
      .attr("T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}")
      .attr("Tidx: {int32, int64} = int32")
      .shape(scan_shape)
      .host_input(1)
      .in_place(0);
}

}  // namespace

void register_scan(Registry& r) {
  scan_op(r, "Cumsum");
  r.kernels<Cumsum>("Cumsum", DeviceKind::kCPU, NumberTypes{});
  scan_op(r, "Cumprod");
  r.kernels<Cumprod>("Cumprod", DeviceKind::kCPU, NumberTypes{});
}

}  // namespace tfmini
