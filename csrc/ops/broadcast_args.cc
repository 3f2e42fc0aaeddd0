// Shape arithmetic of broadcasting: the shape two shapes broadcast to, and the axes a gradient must be summed over.
#include <algorithm>
#include <vector>

#include "core/registry.h"

namespace tfmini {
namespace {

template <class T>
Shape read_shape(const Tensor& t) {
  Shape s;
  for (int64_t i = 0; i < t.num_elements(); ++i) s.add_dim(static_cast<int64_t>(t.data<T>()[i]));
  return s;
}

void vectors(InferContext& c) {
  c.with_rank(0, 1);
  c.with_rank(1, 1);
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, Shape::unknown_of_rank(1));
}

template <class T>
struct BroadcastArgs {
  static void run(KernelContext& c) {
    const Shape out = broadcast(read_shape<T>(c.input(0)), read_shape<T>(c.input(1)));
    T* to = c.allocate_output(0, Shape{out.rank()}).template data<T>();
    for (int i = 0; i < out.rank(); ++i) to[i] = static_cast<T>(out[i]);
  }
};

// Output i: the axes of the broadcast shape along which input i has size 1 or is missing. An axis where both have size
// 1 belongs to both lists, as in TensorFlow; summing over it changes nothing.
template <class T>
struct BroadcastGradientArgs {
  static void run(KernelContext& c) {
    const Shape s[2] = {read_shape<T>(c.input(0)), read_shape<T>(c.input(1))};
    const Shape out = broadcast(s[0], s[1]);
    for (int i : {0, 1}) {
      std::vector<T> axes;
      if (s[0] != s[1]) {
        for (int d = 0; d < out.rank(); ++d) {
          const int own = d - (out.rank() - s[i].rank());
          if (own < 0 || s[i][own] == 1) axes.push_back(static_cast<T>(d));
        }
      }
      T* to = c.allocate_output(i, Shape{static_cast<int64_t>(axes.size())}).template data<T>();
      std::copy(axes.begin(), axes.end(), to);
    }
  }
};

}  // namespace

void register_broadcast_args(Registry& r) {
  r.op("BroadcastArgs")
      .input("s0: T")
      .input("s1: T")
      .output("r0: T")
      .attr("T: {int32, int64} = int32")
      .shape(vectors)
      .host_input(0)
      .host_input(1)
      .dynamic_output();
  r.kernels<BroadcastArgs>("BroadcastArgs", DeviceKind::kCPU, IndexTypes{});
  r.op("BroadcastGradientArgs")
      .input("s0: T")
      .input("s1: T")
      .output("r0: T")
      .output("r1: T")
      .attr("T: {int32, int64} = int32")
      .shape(vectors)
      .host_input(0)
      .host_input(1)
      .dynamic_output();
  r.kernels<BroadcastGradientArgs>("BroadcastGradientArgs", DeviceKind::kCPU, IndexTypes{});
}

}  // namespace tfmini
