// Depthwise convolution of NHWC images and its gradients: bound by memory, so threads read units of 16 bytes where the
// channels allow it (one filter per channel, channels that fill units), else single elements.
#include "conv/conv.cuh"
#include "core/launch.cuh"
#include "gemm/run.cuh"

namespace tfmini::cuda {
namespace {

constexpr int kThreads = 256;

template <class T, int kRun>
struct alignas(kRun * sizeof(T)) Run {
  T v[kRun];
};

struct Axis {
  int in, out, kernel, stride, dilation, pad;
  explicit Axis(const WindowAxis& w)
      : in(checked_int(w.in, "pixels")),
        out(checked_int(w.out, "pixels")),
        kernel(checked_int(w.kernel, "taps")),
        stride(checked_int(w.stride, "stride")),
        dilation(checked_int(w.dilation, "dilation")),
        pad(checked_int(w.pad, "padding")) {}
};

// kRun channels at a time; kRun > 1 only with multiplier 1.
struct Depthwise {
  Axis h, w;
  int channels, multiplier, outputs;  // outputs = channels * multiplier
  int64_t pixels;                     // of all input images, or of all output images
  FastDiv per_multiplier, stride_h, stride_w;
};

// One thread per output pixel and kRun outputs; neighbouring threads take neighbouring channels.
template <class T, int kRun>
__global__ void __launch_bounds__(kThreads)
    forward(const Depthwise d, const T* __restrict__ input, const T* __restrict__ filter, T* __restrict__ output) {
  using Sum = ComputeType<T>;
  using R = Run<T, kRun>;
  const int runs = d.outputs / kRun;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t pixel = i / runs;
  if (pixel >= d.pixels) return;
  const int o = static_cast<int>(i - pixel * runs) * kRun, c = d.per_multiplier.divide(o);
  const int64_t line = pixel / d.w.out, image = line / d.h.out;
  const int y0 = static_cast<int>(line - image * d.h.out) * d.h.stride - d.h.pad;
  const int x0 = static_cast<int>(pixel - line * d.w.out) * d.w.stride - d.w.pad;
  Sum sums[kRun] = {};
  for (int ky = 0; ky < d.h.kernel; ++ky) {
    const int y = y0 + ky * d.h.dilation;
    if (static_cast<unsigned>(y) >= static_cast<unsigned>(d.h.in)) continue;
    const T* from = input + (image * d.h.in + y) * d.w.in * d.channels + c;
    const T* taps = filter + int64_t{ky} * d.w.kernel * d.outputs + o;
#pragma unroll 3
    for (int kx = 0; kx < d.w.kernel; ++kx) {
      const int x = x0 + kx * d.w.dilation;
      if (static_cast<unsigned>(x) >= static_cast<unsigned>(d.w.in)) continue;
      const R v = *reinterpret_cast<const R*>(from + int64_t{x} * d.channels);
      const R f = *reinterpret_cast<const R*>(taps + int64_t{kx} * d.outputs);
#pragma unroll
      for (int j = 0; j < kRun; ++j) sums[j] += static_cast<Sum>(v.v[j]) * static_cast<Sum>(f.v[j]);
    }
  }
  R out;
#pragma unroll
  for (int j = 0; j < kRun; ++j) out.v[j] = T(sums[j]);
  *reinterpret_cast<R*>(output + pixel * d.outputs + o) = out;
}

// The output that reads this input at this tap, or -1.
__device__ __forceinline__ int reader_of(int input, int tap, const Axis& axis, const FastDiv& stride) {
  const int distance = input + axis.pad - tap * axis.dilation;
  if (distance < 0) return -1;
  const int o = stride.divide(distance);
  return o * axis.stride == distance && o < axis.out ? o : -1;
}

// One thread per input pixel and kRun channels.
template <class T, int kRun>
__global__ void __launch_bounds__(kThreads)
    input_grad(const Depthwise d, const T* __restrict__ filter, const T* __restrict__ grad, T* __restrict__ dinput) {
  using Sum = ComputeType<T>;
  using R = Run<T, kRun>;
  const int runs = d.channels / kRun;
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t pixel = i / runs;
  if (pixel >= d.pixels) return;
  const int c = static_cast<int>(i - pixel * runs) * kRun;
  const int64_t line = pixel / d.w.in, image = line / d.h.in;
  const int y = static_cast<int>(line - image * d.h.in), x = static_cast<int>(pixel - line * d.w.in);
  Sum sums[kRun] = {};
  for (int ky = 0; ky < d.h.kernel; ++ky) {
    const int oy = reader_of(y, ky, d.h, d.stride_h);
    if (oy < 0) continue;
    for (int kx = 0; kx < d.w.kernel; ++kx) {
      const int ox = reader_of(x, kx, d.w, d.stride_w);
      if (ox < 0) continue;
      const T* from = grad + ((image * d.h.out + oy) * d.w.out + ox) * d.outputs + int64_t{c} * d.multiplier;
      const T* taps = filter + (int64_t{ky} * d.w.kernel + kx) * d.outputs + int64_t{c} * d.multiplier;
      for (int q = 0; q < d.multiplier; ++q) {  // once where kRun > 1
        const R v = *reinterpret_cast<const R*>(from + q), f = *reinterpret_cast<const R*>(taps + q);
#pragma unroll
        for (int j = 0; j < kRun; ++j) sums[j] += static_cast<Sum>(v.v[j]) * static_cast<Sum>(f.v[j]);
      }
    }
  }
  R out;
#pragma unroll
  for (int j = 0; j < kRun; ++j) out.v[j] = T(sums[j]);
  *reinterpret_cast<R*>(dinput + pixel * d.channels + c) = out;
}

// A block sums one tap of 32 * kRun outputs over a part of the output's pixels, each of its eight warps every eighth;
// grid (runs / 32, taps, parts).
template <class T, int kRun>
__global__ void __launch_bounds__(kThreads)
    filter_grad(const Depthwise d, const T* __restrict__ input, const T* __restrict__ grad, int64_t part_pixels,
                const Output<T> out) {
  using Sum = ComputeType<T>;
  using R = Run<T, kRun>;
  constexpr int kWarps = kThreads / 32;
  __shared__ Sum shared[kWarps][kRun][32];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int o = (static_cast<int>(blockIdx.x) * 32 + lane) * kRun, c = d.per_multiplier.divide(o);
  const int tap = static_cast<int>(blockIdx.y), ky = tap / d.w.kernel, kx = tap - ky * d.w.kernel;
  const int64_t begin = blockIdx.z * part_pixels;
  const int64_t end = begin + part_pixels < d.pixels ? begin + part_pixels : d.pixels;
  Sum sums[kRun] = {};
  if (o < d.outputs) {
#pragma unroll 2
    for (int64_t p = begin + warp; p < end; p += kWarps) {
      const int64_t line = p / d.w.out, image = line / d.h.out;
      const int y = static_cast<int>(line - image * d.h.out) * d.h.stride - d.h.pad + ky * d.h.dilation;
      const int x = static_cast<int>(p - line * d.w.out) * d.w.stride - d.w.pad + kx * d.w.dilation;
      if (static_cast<unsigned>(y) >= static_cast<unsigned>(d.h.in) ||
          static_cast<unsigned>(x) >= static_cast<unsigned>(d.w.in))
        continue;
      const R v = *reinterpret_cast<const R*>(input + ((image * d.h.in + y) * d.w.in + x) * d.channels + c);
      const R g = *reinterpret_cast<const R*>(grad + p * d.outputs + o);
#pragma unroll
      for (int j = 0; j < kRun; ++j) sums[j] += static_cast<Sum>(v.v[j]) * static_cast<Sum>(g.v[j]);
    }
  }
#pragma unroll
  for (int j = 0; j < kRun; ++j) shared[warp][j][lane] = sums[j];
  __syncthreads();
  if (warp != 0) return;
#pragma unroll
  for (int j = 0; j < kRun; ++j) {
    Sum sum[1] = {};
#pragma unroll
    for (int w = 0; w < kWarps; ++w) sum[0] += shared[w][j][lane];
    store_sums<1, T>(out, static_cast<int>(blockIdx.z), tap, o + j, sum);
  }
}

Depthwise depthwise(const ConvGeometry& g, bool output_pixels) {
  const auto multiplier = static_cast<int>(g.out_channels / std::max<int64_t>(1, g.in_channels));
  return {Axis(g.h),
          Axis(g.w),
          checked_int(g.in_channels, "channels"),
          multiplier,
          checked_int(g.out_channels, "channels"),
          g.batch * (output_pixels ? g.h.out * g.w.out : g.h.in * g.w.in),
          FastDiv(std::max(1, multiplier)),
          FastDiv(static_cast<int>(g.h.stride)),
          FastDiv(static_cast<int>(g.w.stride))};
}

// Calls fn with the run length as a constant.
template <class T, class Fn>
void with_run(const Depthwise& d, std::initializer_list<const void*> arrays, const Fn& fn) {
  constexpr int kUnit = Unit<T>::kSize;
  bool aligned = d.multiplier == 1 && d.channels % kUnit == 0;
  for (const void* p : arrays) aligned &= reinterpret_cast<uintptr_t>(p) % 16 == 0;
  if (aligned)
    fn(std::integral_constant<int, kUnit>());
  else
    fn(std::integral_constant<int, 1>());
}

dim3 blocks_for(int64_t threads) {
  const int64_t blocks = (threads + kThreads - 1) / kThreads;
  if (blocks > INT_MAX)
    fail(Code::kUnimplemented, "a convolution of ", threads, " elements is too large for one kernel");
  return dim3(static_cast<unsigned>(blocks));
}

}  // namespace

template <class T>
void depthwise_forward(const Place& place, const ConvGeometry& g, const T* input, const T* filter, T* output) {
  const Depthwise d = depthwise(g, true);
  if (d.pixels * d.outputs == 0) return;
  with_run<T>(d, {input, filter, output}, [&](auto run) {
    launch(forward<T, run>, blocks_for(d.pixels * (d.outputs / run)), dim3(kThreads), 0, place.stream, d, input, filter,
           output);
  });
}

template <class T>
void depthwise_input_grad(const Place& place, const ConvGeometry& g, const T* filter, const T* grad, T* dinput) {
  const Depthwise d = depthwise(g, false);
  if (d.pixels * d.channels == 0) return;
  with_run<T>(d, {filter, grad, dinput}, [&](auto run) {
    launch(input_grad<T, run>, blocks_for(d.pixels * (d.channels / run)), dim3(kThreads), 0, place.stream, d, filter,
           grad, dinput);
  });
}

template <class T>
void depthwise_filter_grad(const Place& place, const ConvGeometry& g, const T* input, const T* grad, T* dfilter) {
  const Depthwise d = depthwise(g, true);
  const int taps = d.h.kernel * d.w.kernel;
  if (taps * d.outputs == 0) return;
  if (taps > 65535) fail(Code::kUnimplemented, "a depthwise filter of ", taps, " taps is too large for a GPU");
  with_run<T>(d, {input, grad}, [&](auto run) {
    const int blocks = ceil_div(d.outputs, 32 * run);
    // Eight blocks for every multiprocessor, none with fewer than 256 pixels.
    const int64_t splits = std::clamp<int64_t>(8 * place.chip.multiprocessors / (int64_t{blocks} * taps), 1,
                                               std::max<int64_t>(1, d.pixels / 256));
    const int64_t part = std::max<int64_t>(1, (d.pixels + splits - 1) / splits);
    Output<T> out;
    out.data = dfilter;
    out.rows.ld = d.outputs;
    out.m = taps;
    out.n = d.outputs;
    out.splits = static_cast<int>(std::max<int64_t>(1, (d.pixels + part - 1) / part));
    BufferRef parts;
    if (out.splits > 1) {
      using Sum = typename Output<T>::Sum;
      parts = place.device.allocate(static_cast<size_t>(out.splits) * static_cast<size_t>(taps) *
                                    static_cast<size_t>(d.outputs) * sizeof(Sum));
      out.partial = static_cast<Sum*>(parts->data());
    }
    launch(filter_grad<T, run>,
           dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(taps), static_cast<unsigned>(out.splits)),
           dim3(kThreads), 0, place.stream, d, input, grad, part, out);
    if (out.splits > 1) launch_sum_parts(out, 1, place.stream);
  });
}

#define TFMINI_DEPTHWISE(T)                                                                      \
  template void depthwise_forward(const Place&, const ConvGeometry&, const T*, const T*, T*);    \
  template void depthwise_input_grad(const Place&, const ConvGeometry&, const T*, const T*, T*); \
  template void depthwise_filter_grad(const Place&, const ConvGeometry&, const T*, const T*, T*);
TFMINI_DEPTHWISE(float)
TFMINI_DEPTHWISE(double)
TFMINI_DEPTHWISE(Half)
TFMINI_DEPTHWISE(BFloat16)
#undef TFMINI_DEPTHWISE

}  // namespace tfmini::cuda
