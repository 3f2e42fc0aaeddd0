// Conv2D, Conv2DBackpropInput and Conv2DBackpropFilter. The arithmetic is in conv/.
#include "ops/conv2d.h"

#include <algorithm>

#include "conv/conv.h"
#include "core/registry.h"
#include "core/widen.h"

namespace tfmini {

ImageFormat image_format(const Attrs& attrs) {
  const AttrValue* v = attrs.find("data_format");
  const std::string* format = v ? std::get_if<std::string>(v) : nullptr;
  check(!format || *format == "NHWC" || *format == "NCHW", "data_format must be NHWC or NCHW, got '",
        format ? *format : "", "'");
  return {format && *format == "NCHW"};
}

namespace {

// The height and width entries of a four-element attribute; the others must be 1.
void read_spatial(const Attrs& attrs, const char* name, ImageFormat format, int64_t (&out)[2]) {
  const std::vector<int64_t>& v = attrs.ints(name);
  check(v.size() == 4, name, " must have 4 values, got ", v.size());
  out[0] = v[format.h()];
  out[1] = v[format.w()];
  constexpr int64_t kMax = INT32_MAX;  // TensorFlow's bound; keeps sums of these far from overflow
  check(out[0] > 0 && out[1] > 0 && out[0] <= kMax && out[1] <= kMax, name, " must be positive 32-bit integers, got ",
        out[0], " for height and ", out[1], " for width");
  if (v[0] != 1 || v[format.c()] != 1)
    fail(Code::kUnimplemented, name, " must be 1 for batch and channels, got ", v[0], " and ", v[format.c()]);
}

Window2D::Padding read_padding(const std::string& s) {
  if (s == "SAME") return Window2D::Padding::kSame;
  if (s == "VALID") return Window2D::Padding::kValid;
  check(s == "EXPLICIT", "padding must be SAME, VALID or EXPLICIT, got '", s, "'");
  return Window2D::Padding::kExplicit;
}

bool known(int64_t a, int64_t b) { return a >= 0 && b >= 0; }

ConvGeometry geometry(const Window2D& window, const Shape& input, const Shape& filter) {
  check(!input.known_rank() || input.rank() == 4, "input must have 4 dimensions, got shape ", input);
  check(!filter.known_rank() || filter.rank() == 4, "filter must have 4 dimensions, got shape ", filter);
  const Shape x = input.known_rank() ? input : Shape::unknown_of_rank(4);
  const Shape f = filter.known_rank() ? filter : Shape::unknown_of_rank(4);
  ConvGeometry g;
  g.batch = x[0];
  g.in_channels = x[window.format.c()];
  g.h = window.axis(0, x[window.format.h()], f[0]);
  g.w = window.axis(1, x[window.format.w()], f[1]);
  g.nchw = window.format.nchw;
  return g;
}

}  // namespace

Window2D::Window2D(const Attrs& attrs) : format(image_format(attrs)) {
  read_spatial(attrs, "strides", format, stride);
  if (attrs.has("dilations")) read_spatial(attrs, "dilations", format, dilation);
  if (attrs.has("ksize")) read_spatial(attrs, "ksize", format, ksize);
  padding = read_padding(attrs.string("padding"));
  const bool listed = attrs.has("explicit_paddings") && !attrs.ints("explicit_paddings").empty();
  check(listed == (padding == Padding::kExplicit),
        listed ? "explicit_paddings need padding EXPLICIT" : "padding EXPLICIT needs 8 explicit_paddings");
  if (!listed) return;
  const std::vector<int64_t>& pads = attrs.ints("explicit_paddings");
  check(pads.size() == 8, "explicit_paddings must have 8 values, got ", pads.size());
  check(std::all_of(pads.begin(), pads.end(), [](int64_t p) { return p >= 0 && p <= INT32_MAX; }),
        "explicit_paddings must be 32-bit integers, not negative");
  const int c = format.c();
  check(pads[0] == 0 && pads[1] == 0 && pads[2 * c] == 0 && pads[2 * c + 1] == 0,
        "explicit_paddings must be 0 for batch and channels");
  const int axes[2] = {format.h(), format.w()};
  for (int i = 0; i < 2; ++i)
    for (int side = 0; side < 2; ++side) explicit_pad[i][side] = pads[2 * axes[i] + side];
}

WindowAxis Window2D::axis(int which, int64_t in, int64_t kernel) const {
  WindowAxis a{in, kernel, stride[which], dilation[which], 0, -1};
  if (padding == Padding::kSame && in >= 0) a.out = (in + a.stride - 1) / a.stride;
  if (!known(in, kernel)) return a;
  const char* name = which == 0 ? "height" : "width";
  check(kernel > 0, "the window's ", name, " must be positive, got ", kernel);
  const int64_t reach = (kernel - 1) * a.dilation + 1;
  if (padding == Padding::kSame) {
    a.pad = std::max<int64_t>(0, (a.out - 1) * a.stride + reach - in) / 2;
    return a;
  }
  a.pad = explicit_pad[which][0];
  const int64_t padded = in + explicit_pad[which][0] + explicit_pad[which][1];
  check(padded >= reach, "negative output size: no window of ", name, " ", reach, " fits an input of ", name, " ",
        padded, "; use padding='SAME' or a larger input");
  a.out = (padded - reach) / a.stride + 1;
  return a;
}

ConvGeometry conv_geometry(const Window2D& window, const Shape& input, const Shape& filter) {
  ConvGeometry g = geometry(window, input, filter);
  const int64_t filter_in = filter.known_rank() ? filter[2] : -1;
  g.out_channels = filter.known_rank() ? filter[3] : -1;
  if (!known(g.in_channels, filter_in)) return g;
  check(filter_in > 0 || g.in_channels == 0, "filter has no input channels, the input has ", g.in_channels);
  if (filter_in == 0) return g;
  check(g.in_channels % filter_in == 0, "input has ", g.in_channels, " channels, the filter ", filter, " takes ",
        filter_in, " (or a divisor of the input's channels)");
  g.groups = g.in_channels == 0 ? 1 : g.in_channels / filter_in;
  check(g.out_channels < 0 || g.out_channels % g.groups == 0, "filter has ", g.out_channels,
        " output channels, which must be a multiple of the number of groups, ", g.groups);
  return g;
}

ConvGeometry depthwise_geometry(const Window2D& window, const Shape& input, const Shape& filter) {
  ConvGeometry g = geometry(window, input, filter);
  const int64_t channels = filter.known_rank() ? filter[2] : -1, multiplier = filter.known_rank() ? filter[3] : -1;
  check(!known(g.in_channels, channels) || g.in_channels == channels, "input has ", g.in_channels,
        " channels, the depthwise filter ", filter, " has ", channels);
  if (g.in_channels < 0) g.in_channels = channels;
  g.out_channels = known(g.in_channels, multiplier) ? g.in_channels * multiplier : -1;
  g.groups = std::max<int64_t>(1, g.in_channels);
  return g;
}

namespace {

Shape output_shape(const Window2D& w, const ConvGeometry& g) {
  return w.format.shape(g.batch, g.h.out, g.w.out, g.out_channels);
}

void check_gradient(const Window2D& w, const ConvGeometry& g, const Shape& grad) {
  check(grad.compatible_with(output_shape(w, g)), "out_backprop has shape ", grad, ", the convolution's output has ",
        output_shape(w, g));
}

void conv2d_shape(InferContext& c) {
  const Window2D window(c.attrs());
  c.set_output(0, output_shape(window, conv_geometry(window, c.input(0), c.input(1))));
}

void input_grad_shape(InferContext& c) {
  const Window2D window(c.attrs());
  Shape sizes = c.constant_as_shape(0);
  const Shape filter = c.with_rank(1, 4), grad = c.with_rank(2, 4);
  // TensorFlow also takes just height and width.
  if (sizes.rank() == 2) sizes = window.format.shape(grad[0], sizes[0], sizes[1], filter[2]);
  check(!sizes.known_rank() || sizes.rank() == 4, "input_sizes must have 4 values (or height and width), got ",
        sizes.rank());
  if (!sizes.known_rank()) sizes = Shape::unknown_of_rank(4);
  check_gradient(window, conv_geometry(window, sizes, filter), grad);
  c.set_output(0, sizes);
}

void filter_grad_shape(InferContext& c) {
  const Window2D window(c.attrs());
  Shape sizes = c.constant_as_shape(1);
  check(!sizes.known_rank() || sizes.rank() == 4, "filter_sizes must have 4 values, got ", sizes.rank());
  if (!sizes.known_rank()) sizes = Shape::unknown_of_rank(4);
  check_gradient(window, conv_geometry(window, c.with_rank(0, 4), sizes), c.with_rank(2, 4));
  c.set_output(0, sizes);
}

template <class T>
struct Conv2D {
  Window2D window;
  explicit Conv2D(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = conv_geometry(window, c.input(0).shape(), c.input(1).shape());
    const Widened<T> input(c.input(0)), filter(c.input(1));
    Narrowed<T> output(c.output(0));
    conv::forward(g, input.data(), filter.data(), output.data());
    output.store();
  }
};

template <class T>
struct Conv2DBackpropInput {
  Window2D window;
  explicit Conv2DBackpropInput(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = conv_geometry(window, c.output(0).shape(), c.input(1).shape());
    const Widened<T> filter(c.input(1)), grad(c.input(2));
    Narrowed<T> output(c.output(0));
    conv::input_grad(g, filter.data(), grad.data(), output.data());
    output.store();
  }
};

template <class T>
struct Conv2DBackpropFilter {
  Window2D window;
  explicit Conv2DBackpropFilter(const Attrs& attrs) : window(attrs) {}
  void operator()(KernelContext& c) const {
    const ConvGeometry g = conv_geometry(window, c.input(0).shape(), c.output(0).shape());
    const Widened<T> input(c.input(0)), grad(c.input(2));
    Narrowed<T> output(c.output(0));
    conv::filter_grad(g, input.data(), grad.data(), output.data());
    output.store();
  }
};

void window_attrs(OpBuilder& op) {
  op.attr("T: {half, bfloat16, float, double}")
      .attr("strides: list(int)")
      .attr("use_cudnn_on_gpu: bool = true")
      .attr("padding: {'SAME', 'VALID', 'EXPLICIT'}")
      .attr("explicit_paddings: list(int) = []")
      .attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
      .attr("dilations: list(int) = [1, 1, 1, 1]");
}

}  // namespace

void register_conv2d(Registry& r) {
  OpBuilder forward = r.op("Conv2D");
  window_attrs(forward.input("input: T").input("filter: T").output("output: T").shape(conv2d_shape));
  r.kernels<Conv2D>("Conv2D", DeviceKind::kCPU, FloatTypes{});

  OpBuilder input_grad = r.op("Conv2DBackpropInput");
  window_attrs(input_grad.input("input_sizes: int32")
                   .input("filter: T")
                   .input("out_backprop: T")
                   .output("output: T")
                   .shape(input_grad_shape)
                   .host_input(0));
  r.kernels<Conv2DBackpropInput>("Conv2DBackpropInput", DeviceKind::kCPU, FloatTypes{});

  OpBuilder filter_grad = r.op("Conv2DBackpropFilter");
  window_attrs(filter_grad.input("input: T")
                   .input("filter_sizes: int32")
                   .input("out_backprop: T")
                   .output("output: T")
                   .shape(filter_grad_shape)
                   .host_input(1));
  r.kernels<Conv2DBackpropFilter>("Conv2DBackpropFilter", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace tfmini
