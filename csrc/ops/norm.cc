// L2Loss: half the sum of squares.
#include "core/registry.h"
#include "ops/reduce.h"

namespace tfmini {
namespace {

template <class T>
struct L2Loss {
  static void run(KernelContext& c) {
    const int64_t n = c.input(0).num_elements();
    ComputeType<T> sum = 0;
    if (n != 0) reduce_middle(simd::Reduction::kSumSquares, c.in<T>(0), &sum, 1, n, 1);
    *c.out<T>(0) = T(sum / 2);
  }
};

}  // namespace

void register_norm(Registry& r) {
  r.op("L2Loss").input("t: T").output("output: T").attr("T: {half, bfloat16, float, double}").shape(shapes::scalar);
  r.kernels<L2Loss>("L2Loss", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini
