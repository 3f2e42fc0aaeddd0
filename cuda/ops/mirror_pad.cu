// MirrorPad and its gradient: a thread per element of the result, which gathers what it shows or what shows it.
#include "core/elements.h"
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

struct Mirror {
  int64_t inner[Shape::kMaxRank], padded[Shape::kMaxRank], before[Shape::kMaxRank];
  int rank;
  int64_t edge;  // 1: the border does not repeat the edge

  static Mirror of(const Shape& inner, const Shape& padded, const Tensor& paddings, bool reflect) {
    Mirror m{};
    m.edge = reflect ? 1 : 0;
    for (int d = 0; d < inner.rank(); ++d) {
      m.inner[m.rank] = inner[d];
      m.padded[m.rank] = padded[d];
      m.before[m.rank++] = paddings.int_at(2 * d);
    }
    return m;
  }
  // What is mirrored at the low end, and at the high end, of a dimension of n.
  __device__ __forceinline__ int64_t low(int64_t i) const { return edge - 1 - i; }
  __device__ __forceinline__ int64_t high(int64_t i, int64_t n) const { return 2 * n - 1 - edge - i; }
};

template <class T>
__global__ void __launch_bounds__(kThreads) mirror_pad(const T* x, T* y, const __grid_constant__ Mirror m, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  int64_t rest = i, from = 0, stride = 1;
  for (int d = m.rank - 1; d >= 0; --d) {
    int64_t at = rest % m.padded[d] - m.before[d];
    rest /= m.padded[d];
    if (at < 0) at = m.low(at);
    if (at >= m.inner[d]) at = m.high(at, m.inner[d]);
    from += at * stride;
    stride *= m.inner[d];
  }
  y[i] = x[from];
}

// In each dimension an element is shown by itself, and by up to one element of either border.
template <class T>
__global__ void __launch_bounds__(kThreads)
    mirror_pad_grad(const T* dy, T* dx, const __grid_constant__ Mirror m, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  int64_t places[Shape::kMaxRank][3];
  int counts[Shape::kMaxRank], chosen[Shape::kMaxRank];
  int64_t rest = i;
  for (int d = m.rank - 1; d >= 0; --d) {
    const int64_t at = rest % m.inner[d];
    rest /= m.inner[d];
    counts[d] = chosen[d] = 0;
    for (const int64_t shown : {m.low(at), at, m.high(at, m.inner[d])}) {
      const int64_t place = shown + m.before[d];
      const bool border = shown < 0 || shown >= m.inner[d];
      if (place >= 0 && place < m.padded[d] && (border || shown == at) &&
          (counts[d] == 0 || places[d][counts[d] - 1] != place))
        places[d][counts[d]++] = place;
    }
  }
  ComputeType<T> sum(0);
  for (;;) {
    int64_t from = 0;
    for (int d = 0; d < m.rank; ++d) from = from * m.padded[d] + places[d][chosen[d]];
    sum += widen(dy[from]);
    int d = m.rank - 1;
    while (d >= 0 && ++chosen[d] == counts[d]) chosen[d--] = 0;
    if (d < 0) break;
  }
  dx[i] = narrow<T>(sum);
}

class MirrorPad {
 public:
  explicit MirrorPad(const Attrs& attrs) : reflect_(attrs.string("mode") == "REFLECT") {}
  void operator()(KernelContext& c) const {
    const Tensor& x = c.input(0);
    Tensor& y = c.output(0);
    const int64_t n = y.num_elements();
    if (n == 0) return;
    const Mirror m = Mirror::of(x.shape(), y.shape(), c.input(1), reflect_);
    with_element(x.dtype(), [&]<class T>(std::type_identity<T>) {
      if constexpr (std::is_unsigned_v<T>)
        launch(&mirror_pad<T>, blocks_for(n), kThreads, 0, stream(c), x.data<T>(), y.data<T>(), m, n);
    });
  }

 private:
  bool reflect_;
};

template <class T>
class MirrorPadGrad {
 public:
  explicit MirrorPadGrad(const Attrs& attrs) : reflect_(attrs.string("mode") == "REFLECT") {}
  void operator()(KernelContext& c) const {
    const Tensor& dy = c.input(0);
    Tensor& dx = c.output(0);
    const int64_t n = dx.num_elements();
    if (n == 0) return;
    const Mirror m = Mirror::of(dx.shape(), dy.shape(), c.input(1), reflect_);
    launch(&mirror_pad_grad<T>, blocks_for(n), kThreads, 0, stream(c), dy.data<T>(), dx.data<T>(), m, n);
  }

 private:
  bool reflect_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_mirror_pad_cuda(Registry& r) {
  r.kernel<cuda::MirrorPad>("MirrorPad", DeviceKind::kCUDA, DType::kInvalid);
  r.kernels<cuda::MirrorPadGrad>("MirrorPadGrad", DeviceKind::kCUDA,
                                 TypeList<float, double, Half, BFloat16, int32_t, int64_t>{});
}

}  // namespace tfmini
