// Convolutions and their gradients on a GPU, or on the simulated one, against sums in double over odd geometries:
// strides, dilations, paddings beyond the kernel, groups, channels that fill no vector, windows that see nothing.
#if defined(TFMINI_WITH_CUDA)
#include <cmath>
#include <vector>

#include "check.h"
#include "conv/conv.cuh"
#include "core/tensor_float_32.h"
#include "device_array.h"

namespace tfmini::cuda {
namespace {

WindowAxis axis(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  const int64_t reach = (kernel - 1) * dilation + 1;
  return {in, kernel, stride, dilation, pad, (in + 2 * pad - reach) / stride + 1};
}

ConvGeometry geometry(int64_t batch, int64_t in, int64_t out, int64_t groups, WindowAxis h, WindowAxis w) {
  ConvGeometry g;
  g.batch = batch;
  g.in_channels = in;
  g.out_channels = out;
  g.groups = groups;
  g.h = h;
  g.w = w;
  return g;
}

// Calls fn(image element, filter element, output element) for every product there is.
template <class Fn>
void each_product(const ConvGeometry& g, bool depthwise, const Fn& fn) {
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t oy = 0; oy < g.h.out; ++oy)
      for (int64_t ox = 0; ox < g.w.out; ++ox)
        for (int64_t ky = 0; ky < g.h.kernel; ++ky)
          for (int64_t kx = 0; kx < g.w.kernel; ++kx) {
            const int64_t y = g.h.first(oy) + ky * g.h.dilation, x = g.w.first(ox) + kx * g.w.dilation;
            if (y < 0 || y >= g.h.in || x < 0 || x >= g.w.in) continue;
            const int64_t tap = ky * g.w.kernel + kx, pixel = (n * g.h.in + y) * g.w.in + x;
            const int64_t out = ((n * g.h.out + oy) * g.w.out + ox) * g.out_channels;
            for (int64_t o = 0; o < g.out_channels; ++o) {
              const int64_t group = o / g.group_out();
              for (int64_t c = 0; c < g.group_in(); ++c)
                fn(pixel * g.in_channels + group * g.group_in() + c,
                   depthwise ? tap * g.out_channels + o : (tap * g.group_in() + c) * g.out_channels + o, out + o);
            }
          }
}

template <class T>
void check_close(const std::vector<T>& got, const std::vector<double>& want) {
  CHECK(got.size() == want.size());
  const double tolerance = sizeof(T) == 2 ? 0.01 : 1e-5;
  for (size_t i = 0; i < want.size(); ++i)
    CHECK(std::abs(static_cast<double>(got[i]) - want[i]) <= tolerance * (1 + std::abs(want[i])));
}

template <class T>
void check_conv(Device& device, const ConvGeometry& g, bool depthwise) {
  const int64_t inputs = g.batch * g.h.in * g.w.in * g.in_channels;
  const int64_t filters = g.h.kernel * g.w.kernel * g.group_in() * g.out_channels;
  const int64_t outputs = g.batch * g.h.out * g.w.out * g.out_channels;
  const auto x = random_values<T>(inputs, 1), f = random_values<T>(filters, 2), dy = random_values<T>(outputs, 3);
  const auto bias = random_values<T>(g.out_channels, 4);
  std::vector<double> y(dy.size()), dx(x.size()), df(f.size());
  each_product(g, depthwise, [&](int64_t i, int64_t k, int64_t o) {
    const auto iu = static_cast<size_t>(i), ku = static_cast<size_t>(k), ou = static_cast<size_t>(o);
    y[ou] += static_cast<double>(x[iu]) * static_cast<double>(f[ku]);
    dx[iu] += static_cast<double>(dy[ou]) * static_cast<double>(f[ku]);
    df[ku] += static_cast<double>(x[iu]) * static_cast<double>(dy[ou]);
  });
  const DeviceArray<T> input(device, x), filter(device, f), grad(device, dy), biases(device, bias);
  const DeviceArray<T> output(device, std::vector<T>(dy.size(), T(77.0f)));
  const DeviceArray<T> dinput(device, std::vector<T>(x.size(), T(77.0f)));
  const DeviceArray<T> dfilter(device, std::vector<T>(f.size(), T(77.0f)));
  const Place where = place(device);
  if (depthwise) {
    depthwise_forward(where, g, input.data(), filter.data(), output.data());
    depthwise_input_grad(where, g, filter.data(), grad.data(), dinput.data());
    depthwise_filter_grad(where, g, input.data(), grad.data(), dfilter.data());
  } else {
    Epilogue<T> epilogue;
    epilogue.bias = biases.data();
    epilogue.low = 0;
    conv_forward(where, g, input.data(), filter.data(), output.data(), epilogue);
    conv_input_grad(where, g, filter.data(), grad.data(), dinput.data());
    conv_filter_grad(where, g, input.data(), grad.data(), dfilter.data());
    for (size_t i = 0; i < y.size(); ++i) y[i] = std::max(0.0, y[i] + static_cast<double>(bias[i % bias.size()]));
  }
  check_close(output.get(), y);
  check_close(dinput.get(), dx);
  check_close(dfilter.get(), df);
}

template <class T>
void check_type(Device& device) {
  const ConvGeometry shapes[] = {
      geometry(2, 8, 16, 1, axis(9, 3, 1, 1, 1), axis(7, 3, 1, 1, 1)),
      geometry(1, 3, 5, 1, axis(11, 5, 2, 1, 2), axis(8, 4, 3, 1, 1)),
      geometry(2, 16, 24, 2, axis(8, 3, 2, 2, 2), axis(9, 2, 2, 3, 1)),
      geometry(1, 6, 9, 3, axis(5, 1, 1, 1, 0), axis(5, 1, 2, 1, 0)),
      geometry(1, 8, 8, 1, axis(6, 2, 4, 2, 3), axis(3, 1, 1, 1, 2)),  // windows and inputs that meet nothing
      geometry(3, 32, 40, 1, axis(4, 1, 1, 1, 0), axis(5, 1, 1, 1, 0)),
      geometry(1, 16, 64, 1, axis(9, 3, 1, 1, 1), axis(20, 3, 2, 1, 1)),  // filters in boxes, several steps of k
      geometry(2, 16, 128, 2, axis(6, 3, 2, 1, 1), axis(5, 2, 1, 2, 0)),
      geometry(0, 8, 8, 1, axis(4, 3, 1, 1, 1), axis(4, 3, 1, 1, 1)),
  };
  for (const ConvGeometry& g : shapes) {
    check_conv<T>(device, g, false);
    for (const int64_t multiplier : {1, 2}) {
      ConvGeometry d = g;
      d.groups = d.in_channels;
      d.out_channels = d.in_channels * multiplier;
      check_conv<T>(device, d, true);
    }
  }
}

}  // namespace

void check_all(Device& device) {
  check_type<float>(device);
  check_type<double>(device);
  check_type<Half>(device);
  check_type<BFloat16>(device);
  tensor_float_32_allowed = false;
  check_type<float>(device);
}

}  // namespace tfmini::cuda
#endif

#include "cuda_main.h"
