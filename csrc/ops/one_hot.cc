// OneHot.
#include "core/elements.h"
#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void one_hot_shape(InferContext& c) {
  for (int i = 1; i < 4; ++i) c.with_rank(i, 0);
  Shape out = c.input(0);
  const auto depth = constant_int(c, 1);
  check(!depth || *depth >= 0, "depth must be non-negative, got ", depth.value_or(0));
  if (out.known_rank())
    out.insert_dim(normalize_axis(c.attrs().integer("axis"), out.rank() + 1), depth.value_or(Shape::kUnknownDim));
  c.set_output(0, out);
}

class OneHot {
 public:
  explicit OneHot(const Attrs& attrs) : axis_(attrs.integer("axis")) {}
  void operator()(KernelContext& c) const {
    const Tensor& indices = c.input(0);
    Tensor& out = c.output(0);
    const int axis = normalize_axis(axis_, out.rank());
    const int64_t outer = out.shape().product(0, axis), inner = out.shape().product(axis + 1, out.rank());
    const int64_t depth = out.dim(axis);
    with_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
      with_element(out.dtype(), [&]<class T>(std::type_identity<T>) {
        const T on = c.in<T>(2)[0], off = c.in<T>(3)[0];
        const I* index = indices.data<I>();
        T* y = out.data<T>();
        parallel_for(outer, grain_for_bytes(depth * inner * sizeof(T)), [&](int64_t begin, int64_t end) {
          std::fill(y + begin * depth * inner, y + end * depth * inner, off);
          for (int64_t o = begin; o < end; ++o)
            for (int64_t i = 0; i < inner; ++i) {
              // An index outside [0, depth) stands for no position at all.
              const auto k = static_cast<uint64_t>(static_cast<int64_t>(index[o * inner + i]));
              if (k < static_cast<uint64_t>(depth)) y[(o * depth + static_cast<int64_t>(k)) * inner + i] = on;
            }
        });
      });
    });
  }

 private:
  int64_t axis_;
};

}  // namespace

void register_one_hot(Registry& r) {
  r.op("OneHot")
      .input("indices: TI")
      .input("depth: int32")
      .input("on_value: T")
      .input("off_value: T")
      .output("output: T")
      .attr("axis: int = -1")
      .attr("T: type")
      .attr("TI: {uint8, int32, int64} = int64")
      .shape(one_hot_shape)
      .host_input(1);
  r.kernel<OneHot>("OneHot", DeviceKind::kCPU, DType::kInvalid);
}

}  // namespace tfmini
