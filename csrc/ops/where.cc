// Where: the coordinates of the elements that are not zero.
#include "core/infer.h"
#include "core/registry.h"

namespace tfmini {
namespace {

void where_shape(InferContext& c) {
  const Shape& in = c.input(0);
  c.set_output(0, Shape{Shape::kUnknownDim, in.known_rank() ? in.rank() : Shape::kUnknownDim});
}

template <class T>
struct Where {
  static void run(KernelContext& c) {
    const Tensor& x = c.input(0);
    const int64_t n = x.num_elements();
    const T* v = x.data<T>();
    const auto nonzero = [](const T& t) { return static_cast<ComputeType<T>>(t) != ComputeType<T>(0); };
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) count += nonzero(v[i]);
    const int rank = x.rank();
    int64_t* out = c.allocate_output(0, Shape{count, rank}).template data<int64_t>();
    if (rank == 0 || count == 0) return;
    // Row by row, so that only the last coordinate changes in the inner loop. Every position is
    // written and kept or overwritten: random masks would mispredict each second branch.
    const int64_t width = x.dim(-1);
    int64_t* const end = out + count * rank;
    int64_t outer[Shape::kMaxRank] = {};
    for (int64_t r = 0; out != end; ++r) {
      for (int64_t i = 0; i < width && out != end; ++i) {
        for (int d = 0; d < rank - 1; ++d) out[d] = outer[d];
        out[rank - 1] = i;
        out += nonzero(v[r * width + i]) ? rank : 0;
      }
      for (int d = rank - 2; d >= 0 && ++outer[d] == x.dim(d); --d) outer[d] = 0;
    }
  }
};

}  // namespace

void register_where(Registry& r) {
  r.op("Where")
      .input("input: T")
      .output("index: int64")
      .attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, half, uint32, uint64, bfloat16, bool} = bool")
      .shape(where_shape)
      .dynamic_output();
  r.kernels<Where>("Where", DeviceKind::kCPU, PodTypes{});
}

}  // namespace tfmini
