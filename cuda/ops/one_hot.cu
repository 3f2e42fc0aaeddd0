// OneHot, by element size. An index outside [0, depth) stands for no position at all.
#include "core/bits.cuh"
#include "core/elements.h"
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    one_hot(const I* indices, const T* on, const T* off, T* out, int64_t depth, int64_t inner, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const int64_t o = i / (depth * inner), k = i / inner % depth;
  out[i] = static_cast<int64_t>(indices[o * inner + i % inner]) == k ? *on : *off;
}

class OneHot {
 public:
  explicit OneHot(const Attrs& attrs) : axis_(attrs.integer("axis")) {}
  void operator()(KernelContext& c) const {
    Tensor& out = c.output(0);
    const int axis = normalize_axis(axis_, out.rank());
    const int64_t depth = out.dim(axis), inner = out.shape().product(axis + 1, out.rank()), n = out.num_elements();
    if (n == 0) return;
    with_index(c.input(0).dtype(), [&]<class I>(std::type_identity<I>) {
      with_unit(dtype_size(out.dtype()), [&]<class T>(std::type_identity<T>) {
        launch(&one_hot<T, I>, blocks_for(n), kThreads, 0, stream(c), c.in<I>(0), c.in<T>(2), c.in<T>(3), c.out<T>(0),
               depth, inner, n);
      });
    });
  }

 private:
  int64_t axis_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_one_hot_cuda(Registry& r) { r.kernel<cuda::OneHot>("OneHot", DeviceKind::kCUDA, DType::kInvalid); }

}  // namespace tfmini
