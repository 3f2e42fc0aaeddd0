// Cumsum and Cumprod.
#include "core/scan.cuh"

#include "core/registry.h"
#include "core/stream.h"

namespace tfmini::cuda {
namespace {

// Integers wrap.
template <class T>
using Work =
    std::conditional_t<std::is_integral_v<T>, std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>, ComputeType<T>>;

template <class T, bool kProduct>
class Scan {
 public:
  explicit Scan(const Attrs& attrs) : options_{kProduct, attrs.flag("exclusive"), attrs.flag("reverse")} {}
  void operator()(KernelContext& c) const {
    const Shape& shape = c.input(0).shape();
    check(c.input(1).rank() == 0, "axis must be a scalar, got shape ", c.input(1).shape());
    const int axis = normalize_axis(c.input(1).int_at(0), shape.rank());
    scan<Work<T>>(stream(c), c.in<T>(0), c.out<T>(0), shape.product(0, axis), shape[axis],
                  shape.product(axis + 1, shape.rank()), options_);
  }

 private:
  ScanOptions options_;
};
template <class T>
struct Cumsum : Scan<T, false> {
  using Scan<T, false>::Scan;
};
template <class T>
struct Cumprod : Scan<T, true> {
  using Scan<T, true>::Scan;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_scan_cuda(Registry& r) {
  using Types = TypeList<float, double, Half, BFloat16, int32_t, int64_t>;
  r.kernels<cuda::Cumsum>("Cumsum", DeviceKind::kCUDA, Types{});
  r.kernels<cuda::Cumprod>("Cumprod", DeviceKind::kCUDA, Types{});
}

}  // namespace tfmini
