// FusedBatchNorm (three versions, which differ in types) and its gradient, with and without the relu that follows.
//
// Two sums per channel in one pass, then one pass that applies them. The sums are of distances from the channel's first
// element (forward: nothing much cancels) or from the mean; they are joined in double, in an order that depends on
// sizes only.
#include "core/launch.cuh"
#include "core/quotient.cuh"
#include "core/reduce.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

// Blocks that add up channels: several per multiprocessor, to have enough reads on their way.
constexpr int64_t kBlocks = 1024;

// An image as [outer, channels, inner]; `rows` values per channel.
struct Image {
  int64_t outer, channels, inner, rows;
  Image(const Shape& s, const std::string& format) {
    const bool first = format.starts_with("NC");
    channels = first ? s[1] : s.dim(-1);
    outer = first ? s[0] : s.product(0, s.rank() - 1);
    inner = first ? s.product(2, s.rank()) : 1;
    rows = outer * inner;
  }
  __device__ int64_t at(int64_t row, int64_t channel) const {
    return inner == 1 ? row * channels + channel : row + (quotient(row, inner) * (channels - 1) + channel) * inner;
  }
};

// y = scale * (x - center) + weight * g + offset, per channel.
template <class C>
struct alignas(4 * sizeof(C)) Coefficients {
  C scale, center, weight, offset;
  __device__ C normalized(C x) const { return scale * (x - center) + offset; }
};

// Sums of g and of g * d, d = x - center; forward: of d and of d * d. What relu, unless it is null, does not
// let through of g does not count. Blocks of 32 x 8 threads; threads next to each other read elements next to each
// other, of 32 channels where channels come last.
template <class T, bool kForward>
__global__ void __launch_bounds__(kThreads)
    channel_sums(Image image, int64_t chunk, const T* x, const T* g, const ComputeType<T>* center,
                 const Coefficients<ComputeType<T>>* relu, double* sums) {
  using C = ComputeType<T>;
  __shared__ C partial[2][8][33];
  const int tx = static_cast<int>(threadIdx.x) % 32, ty = static_cast<int>(threadIdx.x) / 32;
  const bool last = image.inner == 1;
  const int64_t channel = last ? int64_t{blockIdx.x} * 32 + tx : blockIdx.x;
  const int64_t begin = blockIdx.y * chunk, end = begin + chunk < image.rows ? begin + chunk : image.rows;
  C a = C(0), b = C(0);
  if (channel < image.channels) {
    const C middle = kForward ? widen(x[image.at(0, channel)]) : center[channel];
    const Coefficients<C> passes = relu ? relu[channel] : Coefficients<C>{};
    const auto add = [&](int64_t i) {
      const C d = widen(x[i]) - middle;
      C v = kForward ? d : widen(g[i]);
      if (relu && !(passes.normalized(widen(x[i])) > C(0))) v = C(0);
      a += v;
      b += v * d;
    };
    if (last) {
#pragma unroll 8
      for (int64_t i = (begin + ty) * image.channels + channel; i < end * image.channels; i += 8 * image.channels)
        add(i);
    } else {
#pragma unroll 4
      for (int64_t r = begin + threadIdx.x; r < end; r += kThreads) add(image.at(r, channel));
    }
  }
  if (!last) {  // a block for one channel
    a = block_reduce<Reduction::kSum>(a);
    b = block_reduce<Reduction::kSum>(b);
  } else {
    partial[0][ty][tx] = a;
    partial[1][ty][tx] = b;
    __syncthreads();
    for (int k = 1; k < 8 && ty == 0; ++k) {
      a += partial[0][k][tx];
      b += partial[1][k][tx];
    }
  }
  if (channel < image.channels && (last ? ty == 0 : threadIdx.x == 0)) {
    double* out = sums + 2 * (blockIdx.y * image.channels + channel);
    out[0] = static_cast<double>(a);
    out[1] = static_cast<double>(b);
  }
}

// A channel's sums over all chunks, by a warp: every lane gets them.
struct TwoSums {
  double a = 0, b = 0;
  __device__ TwoSums(const double* sums, int64_t chunks, int64_t channels, int64_t channel) {
    for (int64_t k = threadIdx.x % 32; k < chunks; k += 32) {
      a += sums[2 * (k * channels + channel)];
      b += sums[2 * (k * channels + channel) + 1];
    }
    a = warp_reduce<Reduction::kSum>(a);
    b = warp_reduce<Reduction::kSum>(b);
  }
};

// What apply() has to do with a relu: forward, add `side` unless it is null, and bound from below; backward, let
// through what `passes`, the coefficients of its argument, says.
template <class T>
struct Relu {
  bool forward = false;
  const T* side = nullptr;
  const Coefficients<ComputeType<T>>* passes = nullptr;
};

template <class T>
__global__ void __launch_bounds__(kThreads)
    apply(Image image, const T* x, const T* g, const Coefficients<ComputeType<T>>* coefficients, Relu<T> relu, T* y) {
  using C = ComputeType<T>;
  constexpr int kPack = kPackOf<T>;
  const int64_t n = image.rows * image.channels, begin = thread_index() * kPack, left = n - begin;
  if (left <= 0) return;
  const bool aligned = is_aligned<kPack>(x) && is_aligned<kPack>(y) && (!g || is_aligned<kPack>(g)) &&
                       (!relu.side || is_aligned<kPack>(relu.side));
  T in[kPack] = {}, grad[kPack] = {}, side[kPack] = {}, out[kPack];
  load_pack<kPack>(x + begin, left, aligned, in);
  if (g) load_pack<kPack>(g + begin, left, aligned, grad);
  if (relu.side) load_pack<kPack>(relu.side + begin, left, aligned, side);
  int64_t channel = begin, inside = 0;  // where the first element is, then the others
  if (image.inner > 1) {
    channel = quotient(begin, image.inner);
    inside = begin - channel * image.inner;
  }
  split(channel, image.channels);
#pragma unroll
  for (int i = 0; i < kPack; ++i) {
    const auto k = coefficients[channel];
    C v = widen(grad[i]);
    if (relu.passes && !(relu.passes[channel].normalized(widen(in[i])) > C(0))) v = C(0);
    if (++inside == image.inner) {
      inside = 0;
      if (++channel == image.channels) channel = 0;
    }
    const auto base = g ? k.weight * v + k.offset : k.offset;
    C result = k.scale * (widen(in[i]) - k.center) + base;
    if (relu.side) result += widen(side[i]);
    if (relu.forward && result < C(0)) result = C(0);
    out[i] = narrow<T>(result);
  }
  store_pack<kPack>(y + begin, left, aligned, out);
}

template <class C>
struct Statistics {
  const C *scale, *offset, *running_mean, *running_variance;
  C *mean_out, *variance_out, *mean, *variance;
  double epsilon, factor;
  bool training;
};

// A warp per channel.
template <class T>
__global__ void forward_coefficients(Image image, const T* x, const double* sums, int64_t chunks,
                                     Statistics<ComputeType<T>> s, Coefficients<ComputeType<T>>* out) {
  using C = ComputeType<T>;
  const int64_t i = thread_index() / 32;
  if (i >= image.channels) return;
  double mean, variance;
  if (s.training) {
    const TwoSums t(sums, chunks, image.channels, i);
    if (threadIdx.x % 32) return;
    const double n = static_cast<double>(image.rows), shift = t.a / n;
    mean = static_cast<double>(widen(x[image.at(0, i)])) + shift;
    variance = t.b / n - shift * shift;
    variance = variance < 0 ? 0 : variance;
    // The variance handed out estimates that of the population, hence Bessel's correction.
    const double whole = image.rows > 1 ? variance * (n / (n - 1)) : variance;
    const bool keep = s.factor != 1.0;
    s.mean_out[i] = static_cast<C>(keep ? (1 - s.factor) * s.running_mean[i] + s.factor * mean : mean);
    s.variance_out[i] = static_cast<C>(keep ? (1 - s.factor) * s.running_variance[i] + s.factor * whole : whole);
  } else {
    if (threadIdx.x % 32) return;
    mean = s.running_mean[i];
    variance = s.running_variance[i];
    s.mean_out[i] = s.running_mean[i];
    s.variance_out[i] = s.running_variance[i];
  }
  s.mean[i] = static_cast<C>(mean);
  s.variance[i] = static_cast<C>(variance);
  out[i] = {static_cast<C>(s.scale[i] / sqrt(variance + s.epsilon)), static_cast<C>(mean), C(0), s.offset[i]};
}

template <class C>
__global__ void backward_coefficients(Image image, const double* sums, int64_t chunks, const C* scale, const C* mean,
                                      const C* variance, double epsilon, bool training, C* dscale, C* doffset,
                                      Coefficients<C>* out) {
  const int64_t i = thread_index() / 32;
  if (i >= image.channels) return;
  const TwoSums t(sums, chunks, image.channels, i);
  if (threadIdx.x % 32) return;
  const double inverse = 1.0 / (static_cast<double>(variance[i]) + epsilon), deviation = sqrt(inverse);
  const double factor = scale[i] * deviation, n = static_cast<double>(image.rows);
  dscale[i] = static_cast<C>(t.b * deviation);
  doffset[i] = static_cast<C>(t.a);
  out[i] = {static_cast<C>(training ? -factor * inverse * t.b / n : 0.0), mean[i], static_cast<C>(factor),
            static_cast<C>(training ? -factor * t.a / n : 0.0)};
}

// The coefficients of the forward pass, from its statistics.
template <class C>
__global__ void relu_coefficients(Image image, const C* scale, const C* mean, const C* variance, const C* offset,
                                  double epsilon, Coefficients<C>* out) {
  const int64_t i = thread_index();
  if (i >= image.channels) return;
  const double deviation = sqrt(static_cast<double>(variance[i]) + epsilon);
  out[i] = {static_cast<C>(scale[i] / deviation), mean[i], C(0), offset[i]};
}

template <class T, bool kForward>
Tensor sum_channels(KernelContext& c, const Image& image, const T* x, const T* g, const ComputeType<T>* center,
                    const Coefficients<ComputeType<T>>* relu, int64_t& chunks) {
  const int64_t columns = image.inner == 1 ? (image.channels + 31) / 32 : image.channels;
  const int64_t wanted = std::max<int64_t>(1, kBlocks / columns);
  const int64_t chunk = std::max<int64_t>(256, (image.rows + wanted - 1) / wanted);
  chunks = std::max<int64_t>(1, (image.rows + chunk - 1) / chunk);
  Tensor sums = c.scratch(DType::kDouble, Shape{chunks, image.channels, 2});
  launch(&channel_sums<T, kForward>, dim3(static_cast<unsigned>(columns), static_cast<unsigned>(chunks)), kThreads, 0,
         stream(c), image, chunk, x, g, center, relu, sums.data<double>());
  return sums;
}

template <class T>
struct FusedBatchNorm {
  using C = ComputeType<T>;
  std::string format;
  double epsilon, factor;
  bool training, relu;
  explicit FusedBatchNorm(const Attrs& attrs, bool relu = false)
      : format(attrs.string("data_format")),
        epsilon(attrs.real("epsilon")),
        factor(attrs.real("exponential_avg_factor")),
        training(attrs.flag("is_training")),
        relu(relu) {}

  void operator()(KernelContext& c) const {
    const Image image(c.input(0).shape(), format);
    const cudaStream_t s = stream(c);
    if (c.num_outputs() == 6) check_cuda(cudaMemsetAsync(c.output(5).raw(), 0, sizeof(C), s), "filling a tensor");
    if (image.channels == 0) return;
    if (image.rows == 0 && training) {  // all bits set: NaN
      for (int i = 1; i <= 4; ++i)
        check_cuda(cudaMemsetAsync(c.output(i).raw(), 0xff, c.output(i).bytes(), s), "filling a tensor");
      return;
    }
    const T* x = c.in<T>(0);
    int64_t chunks = 0;
    Tensor sums;
    if (training) sums = sum_channels<T, true>(c, image, x, nullptr, nullptr, nullptr, chunks);
    Tensor k = c.scratch(dtype_of<C>, Shape{image.channels, 4});
    auto* coefficients = static_cast<Coefficients<C>*>(k.raw());
    const Statistics<C> statistics{c.in<C>(1),  c.in<C>(2),  c.in<C>(3), c.in<C>(4), c.out<C>(1), c.out<C>(2),
                                   c.out<C>(3), c.out<C>(4), epsilon,    factor,     training};
    launch(&forward_coefficients<T>, blocks_for(image.channels * 32), kThreads, 0, s, image, x,
           training ? sums.data<double>() : nullptr, chunks, statistics, coefficients);
    if (image.rows == 0) return;
    constexpr int kPack = kPackOf<T>;
    launch(&apply<T>, blocks_for((image.rows * image.channels + kPack - 1) / kPack), kThreads, 0, s, image, x,
           static_cast<const T*>(nullptr), coefficients, Relu<T>{relu, c.num_inputs() == 6 ? c.in<T>(5) : nullptr},
           c.out<T>(0));
  }
};

template <class T>
struct FusedBatchNormGrad {
  using C = ComputeType<T>;
  std::string format;
  double epsilon;
  bool training, relu;
  explicit FusedBatchNormGrad(const Attrs& attrs, bool relu = false)
      : format(attrs.string("data_format")),
        epsilon(attrs.real("epsilon")),
        training(attrs.flag("is_training")),
        relu(relu) {}

  void operator()(KernelContext& c) const {
    const Image image(c.input(1).shape(), format);
    if (image.channels == 0) return;
    const cudaStream_t s = stream(c);
    const T *g = c.in<T>(0), *x = c.in<T>(1);
    Tensor p;
    Coefficients<C>* passes = nullptr;
    if (relu) {
      p = c.scratch(dtype_of<C>, Shape{image.channels, 4});
      passes = static_cast<Coefficients<C>*>(p.raw());
      launch(&relu_coefficients<C>, blocks_for(image.channels), kThreads, 0, s, image, c.in<C>(2), c.in<C>(3),
             c.in<C>(4), c.in<C>(5), epsilon, passes);
    }
    int64_t chunks = 0;
    const Tensor sums = sum_channels<T, false>(c, image, x, g, c.in<C>(3), passes, chunks);
    Tensor k = c.scratch(dtype_of<C>, Shape{image.channels, 4});
    auto* coefficients = static_cast<Coefficients<C>*>(k.raw());
    launch(&backward_coefficients<C>, blocks_for(image.channels * 32), kThreads, 0, s, image, sums.data<double>(),
           chunks, c.in<C>(2), c.in<C>(3), c.in<C>(4), epsilon, training, c.out<C>(1), c.out<C>(2), coefficients);
    if (image.rows == 0) return;
    constexpr int kPack = kPackOf<T>;
    launch(&apply<T>, blocks_for((image.rows * image.channels + kPack - 1) / kPack), kThreads, 0, s, image, x, g,
           coefficients, Relu<T>{false, nullptr, passes}, c.out<T>(0));
  }
};

template <class T>
struct BatchNormRelu : FusedBatchNorm<T> {
  explicit BatchNormRelu(const Attrs& attrs) : FusedBatchNorm<T>(attrs, true) {}
};
template <class T>
struct BatchNormReluGrad : FusedBatchNormGrad<T> {
  explicit BatchNormReluGrad(const Attrs& attrs) : FusedBatchNormGrad<T>(attrs, true) {}
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_batch_norm_cuda(Registry& r) {
  constexpr auto gpu = DeviceKind::kCUDA;
  r.kernels<cuda::FusedBatchNorm>("FusedBatchNorm", gpu, TypeList<float, double>{});
  r.kernels<cuda::FusedBatchNormGrad>("FusedBatchNormGrad", gpu, TypeList<float, double>{});
  for (const char* version : {"V2", "V3"}) {
    r.kernels<cuda::FusedBatchNorm>(std::string("FusedBatchNorm") + version, gpu, FloatTypes{});
    r.kernels<cuda::FusedBatchNormGrad>(std::string("FusedBatchNormGrad") + version, gpu, FloatTypes{});
  }
  r.kernels<cuda::BatchNormRelu>("_BatchNormRelu", gpu, FloatTypes{});
  r.kernels<cuda::BatchNormReluGrad>("_BatchNormReluGrad", gpu, FloatTypes{});
}

}  // namespace tfmini
