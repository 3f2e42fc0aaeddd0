#include "conv/conv.cuh"
#include "conv/images.cuh"
#include "core/registry.h"
#include "ops/conv2d.h"

namespace tfmini {
namespace cuda {
namespace {

template <class T>
struct Forward {
  Window2D window;
  explicit Forward(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = depthwise_geometry(window, c.input(0).shape(), c.input(1).shape());
    const cuda::Place place = cuda::place(c.device());
    const cuda::ImageInput<T> input(c, place, c.input(0), g.nchw);
    cuda::ImageOutput<T> output(c, place, c.output(0), g.nchw);
    cuda::depthwise_forward(place, g, input.data(), c.in<T>(1), output.data());
    output.store();
  }
};

template <class T>
struct InputGrad {
  Window2D window;
  explicit InputGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = depthwise_geometry(window, c.output(0).shape(), c.input(1).shape());
    const cuda::Place place = cuda::place(c.device());
    const cuda::ImageInput<T> grad(c, place, c.input(2), g.nchw);
    cuda::ImageOutput<T> output(c, place, c.output(0), g.nchw);
    cuda::depthwise_input_grad(place, g, c.in<T>(1), grad.data(), output.data());
    output.store();
  }
};

template <class T>
struct FilterGrad {
  Window2D window;
  explicit FilterGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = depthwise_geometry(window, c.input(0).shape(), c.output(0).shape());
    const cuda::Place place = cuda::place(c.device());
    const cuda::ImageInput<T> input(c, place, c.input(0), g.nchw), grad(c, place, c.input(2), g.nchw);
    cuda::depthwise_filter_grad(place, g, input.data(), grad.data(), c.out<T>(0));
  }
};

}  // namespace
}  // namespace cuda

void register_depthwise_conv2d_cuda(Registry& r) {
  r.kernels<cuda::Forward>("DepthwiseConv2dNative", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::InputGrad>("DepthwiseConv2dNativeBackpropInput", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::FilterGrad>("DepthwiseConv2dNativeBackpropFilter", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini
