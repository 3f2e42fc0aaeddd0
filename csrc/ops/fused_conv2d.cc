// _FusedConv2D: a convolution and what follows it channel by channel, as passes/fuse_conv2d.cc finds
// them in a graph. TensorFlow's own op, which also takes "Mul" (by a vector over channels) here.
//
// Whatever multiplies a channel is multiplied into the filter while it is packed for the loops, so
// that batch normalization costs an addition; the packed filter is kept between runs if it does not
// change.
#include "ops/fused_conv2d.h"

#include <cmath>
#include <mutex>

#include "conv/conv.h"
#include "core/registry.h"
#include "ops/conv2d.h"
#include "ops/latest.h"
#include "simd/isa.h"

namespace tfmini {
namespace {

ConvStep step_of(const std::string& name) {
  if (name == "BiasAdd") return ConvStep::kBiasAdd;
  if (name == "Mul") return ConvStep::kMul;
  if (name == "FusedBatchNorm") return ConvStep::kBatchNorm;
  if (name == "Add") return ConvStep::kAdd;
  if (name == "Relu") return ConvStep::kRelu;
  check(name == "Relu6", "fused_ops may hold BiasAdd, Mul, FusedBatchNorm, Add, Relu and Relu6, got '", name, "'");
  return ConvStep::kRelu6;
}

}  // namespace

int args_of(ConvStep step) {
  if (step == ConvStep::kBatchNorm) return 4;
  return step == ConvStep::kRelu || step == ConvStep::kRelu6 ? 0 : 1;
}

std::vector<ConvStep> conv_steps(const Attrs& attrs) {
  std::vector<ConvStep> steps;
  const AttrValue* names = attrs.find("fused_ops");
  int64_t args = 0, stage = 0;
  if (names && std::holds_alternative<std::vector<std::string>>(*names))
    for (const std::string& name : std::get<std::vector<std::string>>(*names)) {
      const ConvStep step = step_of(name);
      const int64_t now = step == ConvStep::kAdd ? 1 : args_of(step) == 0 ? 2 : 0;
      check(now > stage || (now == 0 && stage == 0), "fused_ops has '", name, "' in a place that is not supported");
      stage = now;
      args += args_of(step);
      steps.push_back(step);
    }
  check(args == attrs.integer("num_args"), "fused_ops takes ", args, " args, num_args is ", attrs.integer("num_args"));
  return steps;
}

namespace {

void fused_shape(InferContext& c) {
  const Window2D window(c.attrs());
  const ConvGeometry g = conv_geometry(window, c.input(0), c.input(1));
  const Shape out = window.format.shape(g.batch, g.h.out, g.w.out, g.out_channels);
  int arg = 2;
  for (const ConvStep step : conv_steps(c.attrs()))
    for (int i = 0; i < args_of(step); ++i, ++arg) {
      const Shape want = step == ConvStep::kAdd ? out : Shape{g.out_channels};
      check(step != ConvStep::kAdd || !g.nchw, "fused_ops has Add, which needs data_format NHWC");
      check(c.input(arg).compatible_with(want), "args[", arg - 2, "] must have shape ", want, ", got ", c.input(arg));
    }
  c.set_output(0, out);
}

// The filter in the form the loops want, and what it was made from.
template <class T>
struct PackedFilter {
  Tensor filter, packed;
  std::vector<T> scale;
  ConvGeometry geometry;
  Isa isa;
  bool matches(const Tensor& f, const std::vector<T>& s, const ConvGeometry& g) const {
    return filter.raw() == f.raw() && scale == s && geometry == g && isa == best_isa();
  }
};

template <class T>
class FusedConv2D {
 public:
  explicit FusedConv2D(const Attrs& attrs)
      : window_(attrs),
        steps_(conv_steps(attrs)),
        epsilon_(attrs.real("epsilon")),
        keep_filter_(attrs.has("_keep_filter") && attrs.flag("_keep_filter")) {}

  void operator()(KernelContext& c) const {
    const ConvGeometry g = conv_geometry(window_, c.input(0).shape(), c.input(1).shape());
    std::vector<T> scale, bias;
    conv::Epilogue<T> epilogue = read_args(c, static_cast<size_t>(g.out_channels), scale, bias);
    if (!scale.empty()) epilogue.scale = scale.data();
    if (!bias.empty()) epilogue.bias = bias.data();
    const T *input = c.in<T>(0), *filter = c.in<T>(1);
    T* const output = c.out<T>(0);
    // Borrowed memory (a feed, the arena) proves nothing.
    if (!keep_filter_ || !c.input(1).buffer() || g.empty()) {
      conv::forward(g, input, filter, output, epilogue);
      return;
    }
    auto& cache = Latest<PackedFilter<T>>::of(c);
    const std::shared_ptr<const PackedFilter<T>> kept = cache.get();
    if (kept && kept->matches(c.input(1), scale, g)) {
      Tensor packed = kept->packed;
      conv::forward(g, input, filter, output, epilogue, &packed);
      return;
    }
    auto made = std::make_shared<PackedFilter<T>>(PackedFilter<T>{c.input(1), {}, scale, g, best_isa()});
    conv::forward(g, input, filter, output, epilogue, &made->packed);
    cache.put(std::move(made));
  }

 private:
  conv::Epilogue<T> read_args(KernelContext& c, size_t channels, std::vector<T>& scale, std::vector<T>& bias) const {
    conv::Epilogue<T> epilogue;
    int arg = 2;
    for (const ConvStep step : steps_) {
      const T* const v = args_of(step) > 0 ? c.in<T>(arg) : nullptr;
      switch (step) {
        case ConvStep::kBiasAdd:
          bias.resize(channels);
          for (size_t i = 0; i < channels; ++i) bias[i] += v[i];
          break;
        case ConvStep::kMul:
          scale.resize(channels, T(1));
          for (size_t i = 0; i < channels; ++i) scale[i] *= v[i];
          for (size_t i = 0; i < bias.size(); ++i) bias[i] *= v[i];
          break;
        case ConvStep::kBatchNorm: {
          const T *offset = c.in<T>(arg + 1), *mean = c.in<T>(arg + 2), *variance = c.in<T>(arg + 3);
          scale.resize(channels, T(1));
          bias.resize(channels);
          for (size_t i = 0; i < channels; ++i) {
            const T factor = static_cast<T>(v[i] / std::sqrt(static_cast<double>(variance[i]) + epsilon_));
            scale[i] *= factor;
            bias[i] = (bias[i] - mean[i]) * factor + offset[i];
          }
          break;
        }
        case ConvStep::kAdd:
          epilogue.add = v;
          break;
        case ConvStep::kRelu6:
          epilogue.high = T(6);
          [[fallthrough]];
        case ConvStep::kRelu:
          epilogue.low = T(0);
          break;
      }
      arg += args_of(step);
    }
    return epilogue;
  }

  Window2D window_;
  std::vector<ConvStep> steps_;
  double epsilon_;
  bool keep_filter_;
};

}  // namespace

void register_fused_conv2d(Registry& r) {
  r.op("_FusedConv2D")
      .input("input: T")
      .input("filter: T")
      .input("args: num_args * T")
      .output("output: T")
      .attr("T: {float, double}")
      .attr("num_args: int >= 0")
      .attr("strides: list(int)")
      .attr("padding: {'SAME', 'VALID', 'EXPLICIT'}")
      .attr("explicit_paddings: list(int) = []")
      .attr("data_format: {'NHWC', 'NCHW'} = 'NHWC'")
      .attr("dilations: list(int) = [1, 1, 1, 1]")
      .attr("use_cudnn_on_gpu: bool = true")
      .attr("fused_ops: list(string) = []")
      .attr("epsilon: float = 0.0001")
      .shape(fused_shape);
  r.kernels<FusedConv2D>("_FusedConv2D", DeviceKind::kCPU, TypeList<float, double>{});
}

}  // namespace tfmini
