#include "ops/conv2d.h"

#include "conv/conv.cuh"
#include "conv/images.cuh"
#include "core/registry.h"

namespace tfmini {
namespace cuda {
namespace {

template <class T>
struct Conv2D {
  Window2D window;
  explicit Conv2D(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = conv_geometry(window, c.input(0).shape(), c.input(1).shape());
    const cuda::Place place = cuda::place(c.device());
    const cuda::ImageInput<T> input(c, place, c.input(0), g.nchw);
    cuda::ImageOutput<T> output(c, place, c.output(0), g.nchw);
    cuda::conv_forward(place, g, input.data(), c.in<T>(1), output.data());
    output.store();
  }
};

template <class T>
struct Conv2DBackpropInput {
  Window2D window;
  explicit Conv2DBackpropInput(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = conv_geometry(window, c.output(0).shape(), c.input(1).shape());
    const cuda::Place place = cuda::place(c.device());
    const cuda::ImageInput<T> grad(c, place, c.input(2), g.nchw);
    cuda::ImageOutput<T> output(c, place, c.output(0), g.nchw);
    cuda::conv_input_grad(place, g, c.in<T>(1), grad.data(), output.data());
    output.store();
  }
};

template <class T>
struct Conv2DBackpropFilter {
  Window2D window;
  explicit Conv2DBackpropFilter(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = conv_geometry(window, c.input(0).shape(), c.output(0).shape());
    const cuda::Place place = cuda::place(c.device());
    const cuda::ImageInput<T> input(c, place, c.input(0), g.nchw), grad(c, place, c.input(2), g.nchw);
    cuda::conv_filter_grad(place, g, input.data(), grad.data(), c.out<T>(0));
  }
};

}  // namespace
}  // namespace cuda

void register_conv2d_cuda(Registry& r) {
  r.kernels<cuda::Conv2D>("Conv2D", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::Conv2DBackpropInput>("Conv2DBackpropInput", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::Conv2DBackpropFilter>("Conv2DBackpropFilter", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini
