// _FusedConv2D: whatever happens channel by channel is gathered into one scale and one bias, which the convolution
// applies while its sums are in registers.
#include "ops/fused_conv2d.h"

#include "conv/conv.cuh"
#include "conv/images.cuh"
#include "core/registry.h"
#include "ops/conv2d.h"

namespace tfmini {
namespace cuda {
namespace {

// A few steps on every channel: scale and bias become those of the steps so far.
template <class T>
struct ChannelSteps {
  static constexpr int kMax = 4;
  struct Step {
    ConvStep kind;
    const T* args[4];
  };
  int count = 0;
  Step steps[kMax];
};

template <class T>
__global__ void __launch_bounds__(256)
    fold_channels(const ChannelSteps<T> steps, T epsilon, bool first, int channels, T* scale, T* bias) {
  const int i = static_cast<int>(blockIdx.x * 256 + threadIdx.x);
  if (i >= channels) return;
  T s = first ? T(1) : scale[i], b = first ? T(0) : bias[i];
  for (int k = 0; k < steps.count; ++k) {
    const T* const* args = steps.steps[k].args;
    switch (steps.steps[k].kind) {
      case ConvStep::kBiasAdd:
        b += args[0][i];
        break;
      case ConvStep::kMul:
        s *= args[0][i];
        b *= args[0][i];
        break;
      default: {  // batch normalization: scale, offset, mean, variance
        const T factor = args[0][i] / sqrt(args[3][i] + epsilon);
        s *= factor;
        b = (b - args[2][i]) * factor + args[1][i];
      }
    }
  }
  scale[i] = s;
  bias[i] = b;
}

template <class T>
class FusedConv2D {
 public:
  explicit FusedConv2D(const Attrs& attrs)
      : window_(attrs), steps_(conv_steps(attrs)), epsilon_(static_cast<T>(attrs.real("epsilon"))) {}

  void operator()(KernelContext& c) const {
    const ConvGeometry g = conv_geometry(window_, c.input(0).shape(), c.input(1).shape());
    const cuda::Place place = cuda::place(c.device());
    const Tensor folded = c.scratch(dtype_of<T>, Shape{2, g.out_channels});
    const cuda::Epilogue<T> epilogue = read_args(c, place, g.out_channels, const_cast<T*>(folded.data<T>()));
    const cuda::ImageInput<T> input(c, place, c.input(0), g.nchw);
    cuda::ImageOutput<T> output(c, place, c.output(0), g.nchw);
    cuda::conv_forward(place, g, input.data(), c.in<T>(1), output.data(), epilogue);
    output.store();
  }

 private:
  cuda::Epilogue<T> read_args(const KernelContext& c, const cuda::Place& place, int64_t channels, T* folded) const {
    cuda::Epilogue<T> epilogue;
    ChannelSteps<T> pending;
    bool first = true;
    const auto fold = [&] {
      if (pending.count == 0 || channels == 0) return;
      cuda::launch(fold_channels<T>, dim3(static_cast<unsigned>((channels + 255) / 256)), dim3(256), 0, place.stream,
                   pending, epsilon_, first, static_cast<int>(channels), folded, folded + channels);
      epilogue.scale = folded;
      epilogue.bias = folded + channels;
      pending.count = 0;
      first = false;
    };
    int arg = 2;
    for (const ConvStep step : steps_) {
      const int args = args_of(step);
      if (step == ConvStep::kAdd) {
        epilogue.add = c.in<T>(arg);
      } else if (args == 0) {
        epilogue.low = 0;
        if (step == ConvStep::kRelu6) epilogue.high = 6;
      } else {
        if (pending.count == ChannelSteps<T>::kMax) fold();
        auto& to = pending.steps[pending.count++];
        to.kind = step;
        for (int i = 0; i < args; ++i) to.args[i] = c.in<T>(arg + i);
      }
      arg += args;
    }
    const bool bias_alone = first && pending.count == 1 && pending.steps[0].kind == ConvStep::kBiasAdd;
    if (bias_alone)
      epilogue.bias = pending.steps[0].args[0];
    else
      fold();
    return epilogue;
  }

  Window2D window_;
  std::vector<ConvStep> steps_;
  T epsilon_;
};

}  // namespace
}  // namespace cuda

void register_fused_conv2d_cuda(Registry& r) {
  r.kernels<cuda::FusedConv2D>("_FusedConv2D", DeviceKind::kCUDA, TypeList<float, double>{});
}

}  // namespace tfmini
