// Softmax and LogSoftmax over the last dimension.
#include "simd/softmax.h"
#include "core/parallel.h"
#include "core/registry.h"

namespace tfmini {
namespace {

void softmax_shape(InferContext& c) { c.set_output(0, c.with_rank_at_least(0, 1)); }

template <class T, bool kLog>
struct SoftmaxKernel {
  static void run(KernelContext& c) {
    const Tensor& x = c.input(0);
    const int64_t depth = x.dim(-1);
    const int64_t rows = depth == 0 ? 0 : x.num_elements() / depth;
    const auto row_fn = kLog ? simd::softmax_loops<T>().log_softmax : simd::softmax_loops<T>().softmax;
    const T* in = c.in<T>(0);
    T* out = c.out<T>(0);
    // exp costs about 1 ns per element once vectorised.
    parallel_for(rows, grain_for_cost(20.0 + 1.0 * static_cast<double>(depth)), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) row_fn(in + r * depth, out + r * depth, depth);
    });
  }
};
template <class T>
struct Softmax : SoftmaxKernel<T, false> {};
template <class T>
struct LogSoftmax : SoftmaxKernel<T, true> {};

}  // namespace

void register_softmax(Registry& r) {
  r.op("Softmax")
      .input("logits: T")
      .output("softmax: T")
      .attr("T: {half, bfloat16, float, double}")
      .shape(softmax_shape)
      .in_place(0);
  r.kernels<Softmax>("Softmax", DeviceKind::kCPU, FloatTypes{});

  r.op("LogSoftmax")
      .input("logits: T")
      .output("logsoftmax: T")
      .attr("T: {half, bfloat16, float, double}")
      .shape(softmax_shape)
      .in_place(0);
  r.kernels<LogSoftmax>("LogSoftmax", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini
