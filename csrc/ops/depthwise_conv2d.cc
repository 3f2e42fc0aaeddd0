// DepthwiseConv2dNative and its gradients. The arithmetic is in conv/depthwise.h.
#include "conv/depthwise.h"
#include "conv/layout.h"
#include "core/registry.h"
#include "ops/conv2d.h"

namespace tfmini {
namespace {

Shape output_shape(const Window2D& w, const ConvGeometry& g) {
  return w.format.shape(g.batch, g.h.out, g.w.out, g.out_channels);
}

void check_gradient(const Window2D& w, const ConvGeometry& g, const Shape& grad) {
  check(grad.compatible_with(output_shape(w, g)), "out_backprop has shape ", grad, ", the convolution's output has ",
        output_shape(w, g));
}

void forward_shape(InferContext& c) {
  const Window2D window(c.attrs());
  c.set_output(0, output_shape(window, depthwise_geometry(window, c.input(0), c.input(1))));
}

Shape sizes_input(InferContext& c, int i, const char* name) {
  const Shape sizes = c.constant_as_shape(i);
  check(!sizes.known_rank() || sizes.rank() == 4, name, " must have 4 values, got ", sizes.rank());
  return sizes.known_rank() ? sizes : Shape::unknown_of_rank(4);
}

void input_grad_shape(InferContext& c) {
  const Window2D window(c.attrs());
  const Shape sizes = sizes_input(c, 0, "input_sizes");
  check_gradient(window, depthwise_geometry(window, sizes, c.with_rank(1, 4)), c.with_rank(2, 4));
  c.set_output(0, sizes);
}

void filter_grad_shape(InferContext& c) {
  const Window2D window(c.attrs());
  const Shape sizes = sizes_input(c, 1, "filter_sizes");
  check_gradient(window, depthwise_geometry(window, c.with_rank(0, 4), sizes), c.with_rank(2, 4));
  c.set_output(0, sizes);
}

template <class T>
struct Forward {
  Window2D window;
  explicit Forward(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = depthwise_geometry(window, c.input(0).shape(), c.input(1).shape());
    const ImageInput<T> input(c.input(0), g.nchw);
    const Widened<T> filter(c.input(1));
    ImageOutput<T> output(c.output(0), g.nchw);
    conv::depthwise_forward(g, input.data(), filter.data(), output.data());
    output.store();
  }
};

template <class T>
struct InputGrad {
  Window2D window;
  explicit InputGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = depthwise_geometry(window, c.output(0).shape(), c.input(1).shape());
    const Widened<T> filter(c.input(1));
    const ImageInput<T> grad(c.input(2), g.nchw);
    ImageOutput<T> output(c.output(0), g.nchw);
    conv::depthwise_input_grad(g, filter.data(), grad.data(), output.data());
    output.store();
  }
};

template <class T>
struct FilterGrad {
  Window2D window;
  explicit FilterGrad(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = depthwise_geometry(window, c.input(0).shape(), c.output(0).shape());
    const ImageInput<T> input(c.input(0), g.nchw), grad(c.input(2), g.nchw);
    Narrowed<T> output(c.output(0));
    conv::depthwise_filter_grad(g, input.data(), grad.data(), output.data());
    output.store();
  }
};

void window_attrs(OpBuilder& op) {
  op.attr("T: {half, bfloat16, float, double}")
      .attr("strides: list(int)")
      .attr("padding: {'SAME', 'VALID', 'EXPLICIT'}")
      .attr("explicit_paddings: list(int) = []")
      .attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
      .attr("dilations: list(int) = [1, 1, 1, 1]");
}

}  // namespace

void register_depthwise_conv2d(Registry& r) {
  OpBuilder forward = r.op("DepthwiseConv2dNative");
  window_attrs(forward.input("input: T").input("filter: T").output("output: T").shape(forward_shape));
  r.kernels<Forward>("DepthwiseConv2dNative", DeviceKind::kCPU, FloatTypes{});

  OpBuilder input_grad = r.op("DepthwiseConv2dNativeBackpropInput");
  window_attrs(input_grad.input("input_sizes: int32")
                   .input("filter: T")
                   .input("out_backprop: T")
                   .output("output: T")
                   .shape(input_grad_shape)
                   .host_input(0));
  r.kernels<InputGrad>("DepthwiseConv2dNativeBackpropInput", DeviceKind::kCPU, FloatTypes{});

  OpBuilder filter_grad = r.op("DepthwiseConv2dNativeBackpropFilter");
  window_attrs(filter_grad.input("input: T")
                   .input("filter_sizes: int32")
                   .input("out_backprop: T")
                   .output("output: T")
                   .shape(filter_grad_shape)
                   .host_input(1));
  r.kernels<FilterGrad>("DepthwiseConv2dNativeBackpropFilter", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini
