// FusedBatchNorm (three versions, which differ in types) and its gradient, with and without the relu that follows.
// 16-bit images are normalized in float.
//
// Statistics are taken over chunks of rows that fit L2: mean, then squared distances from it, so
// the image is read from memory once and nothing cancels; chunks join in double, in order.
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "conv/layout.h"
#include "core/registry.h"
#include "simd/channels.h"

namespace tfmini {
namespace {

struct Format {
  bool channels_first;
  int rank;
  explicit Format(const Attrs& attrs)
      : channels_first(attrs.string("data_format").starts_with("NC")),
        rank(static_cast<int>(attrs.string("data_format").size())) {}
  int axis() const { return channels_first ? 1 : rank - 1; }
};

// The dimension that the channels of an image and vectors over channels have in common.
int64_t merge_channels(InferContext& c, int64_t channels, int first, int last) {
  for (int i = first; i <= last; ++i) {
    const int64_t n = c.with_rank(i, 1)[0];
    check(channels < 0 || n < 0 || n == channels, c.def().inputs[i].name,
          " must have one value per channel: ", channels, ", got ", n);
    if (channels < 0) channels = n;
  }
  return channels;
}

void forward_shape(InferContext& c) {
  const Format format(c.attrs());
  Shape x = c.with_rank(0, format.rank);
  // A training step that keeps no running averages takes empty ones.
  const bool running = !c.attrs().flag("is_training") || c.attrs().real("exponential_avg_factor") != 1.0f;
  const int64_t channels = merge_channels(c, x[format.axis()], 1, running ? 4 : 2);
  x.set_dim(format.axis(), channels);
  c.set_output(0, x);
  for (int i = 1; i <= 4; ++i) c.set_output(i, Shape{channels});
  if (c.num_outputs() == 6) c.set_output(5, Shape{});
  if (c.num_inputs() == 6) c.set_output(0, merge(x, c.input(5)));
}

void grad_shape(InferContext& c) {
  const Format format(c.attrs());
  Shape x = merge(c.with_rank(0, format.rank), c.with_rank(1, format.rank));
  const int64_t channels = merge_channels(c, x[format.axis()], 2, 4);
  x.set_dim(format.axis(), channels);
  c.set_output(0, x);
  c.set_output(1, Shape{channels});
  c.set_output(2, Shape{channels});
  c.set_output(3, Shape{0});
  c.set_output(4, Shape{0});
}

// Rows of channels. With few channels several rows count as one wide row, to fill vectors.
template <class T>
class Rows {
 public:
  Rows(int64_t rows, int64_t channels)
      : rows_(rows), channels_(channels), fold_(std::max<int64_t>(1, 64 / std::max<int64_t>(1, channels))) {
    constexpr int64_t kChunkBytes = 256 << 10;
    const int64_t wide_bytes = wide() * static_cast<int64_t>(sizeof(T));
    chunk_ = std::max<int64_t>(1, kChunkBytes / wide_bytes) * fold_;
  }

  int64_t wide() const { return std::max<int64_t>(1, fold_ * channels_); }
  int64_t chunks() const { return (rows_ + chunk_ - 1) / chunk_; }
  int64_t count(int64_t k) const { return std::min(chunk_, rows_ - k * chunk_); }

  std::vector<T> repeat(const T* values) const {
    std::vector<T> out;
    for (int64_t f = 0; f < fold_; ++f) out.insert(out.end(), values, values + channels_);
    return out;
  }

  // fn(chunk, first element, rows, columns) over the wide rows of each chunk and the rows left over.
  template <class Fn>
  void for_chunks(const Fn& fn) const {
    parallel_for(chunks(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        for_parts(k, [&](int64_t at, int64_t n, int64_t cols) { fn(k, at, n, cols); });
    });
  }
  template <class Fn>
  void for_parts(int64_t k, const Fn& fn) const {
    const int64_t wide_rows = count(k) / fold_, rest = count(k) % fold_;
    if (wide_rows > 0) fn(k * chunk_ * channels_, wide_rows, wide());
    if (rest > 0) fn((k * chunk_ + wide_rows * fold_) * channels_, rest, channels_);
  }
  // out[c] (+)= sums of wide or plain columns.
  void fold(const T* sums, int64_t cols, T* out) const {
    for (int64_t i = 0; i < cols; ++i) out[i % channels_] += sums[i];
  }

 private:
  const int64_t rows_, channels_, fold_;
  int64_t chunk_;
};

struct Moments {
  std::vector<double> mean, variance;  // of the population
};

template <class T>
Moments moments(const T* x, int64_t rows, int64_t channels) {
  const Rows<T> r(rows, channels);
  const auto& loops = simd::channel_loops<T>();
  std::vector<T> mean(r.chunks() * channels), squares(r.chunks() * channels);
  parallel_for(r.chunks(), 1, [&](int64_t begin, int64_t end) {
    std::vector<T> sums(r.wide());
    for (int64_t k = begin; k < end; ++k) {
      T* m = &mean[k * channels];
      r.for_parts(k, [&](int64_t at, int64_t n, int64_t cols) {
        loops.sum(x + at, n, cols, sums.data());
        r.fold(sums.data(), cols, m);
      });
      for (int64_t c = 0; c < channels; ++c) m[c] /= static_cast<T>(r.count(k));
      const std::vector<T> wide = r.repeat(m);
      r.for_parts(k, [&](int64_t at, int64_t n, int64_t cols) {
        loops.squares(x + at, wide.data(), n, cols, sums.data());
        r.fold(sums.data(), cols, &squares[k * channels]);
      });
    }
  });
  // Chan's formula for the moments of a union.
  Moments out{std::vector<double>(channels), std::vector<double>(channels)};
  double seen = 0;
  for (int64_t k = 0; k < r.chunks(); ++k) {
    const double n = static_cast<double>(r.count(k)), total = seen + n;
    for (int64_t c = 0; c < channels; ++c) {
      const double delta = mean[k * channels + c] - out.mean[c];
      out.mean[c] += delta * (n / total);
      out.variance[c] += squares[k * channels + c] + delta * delta * (seen * n / total);
    }
    seen = total;
  }
  for (double& v : out.variance) v /= static_cast<double>(rows);
  return out;
}

// What the distance from the mean is multiplied with.
template <class C>
C normal_scale(C scale, double variance, double epsilon) {
  return static_cast<C>(scale / std::sqrt(variance + epsilon));
}

template <class T>
struct FusedBatchNorm {
  using C = ComputeType<T>;
  Format format;
  double epsilon, factor;
  bool training, relu;
  explicit FusedBatchNorm(const Attrs& attrs, bool relu = false)
      : format(attrs),
        epsilon(attrs.real("epsilon")),
        factor(attrs.real("exponential_avg_factor")),
        training(attrs.flag("is_training")),
        relu(relu) {}

  void operator()(KernelContext& c) const {
    const int64_t channels = c.input(0).dim(format.axis());
    const int64_t rows = channels == 0 ? 0 : c.input(0).num_elements() / channels;
    if (c.num_outputs() == 6) c.out<C>(5)[0] = C(0);  // TensorFlow's GPU kernels keep a workspace here
    if (channels == 0) return;
    if (rows == 0 && training) {
      for (int i = 1; i <= 4; ++i) std::fill_n(c.out<C>(i), channels, std::numeric_limits<C>::quiet_NaN());
      return;
    }
    const ImageInput<T> input(c.input(0), format.channels_first);
    ImageOutput<T> output(c.output(0), format.channels_first);
    const std::vector<C> mean_scale = training ? batch_statistics(c, input.data(), rows, channels) : given(c, channels);
    const C* mean = c.out<C>(3);
    const Rows<C> r(rows, channels);
    const std::vector<C> m = r.repeat(mean), s = r.repeat(mean_scale.data()), o = r.repeat(c.in<C>(2));
    C* y = output.data();
    const auto& loops = simd::channel_loops<C>();
    if (!relu) {
      r.for_chunks([&](int64_t, int64_t at, int64_t n, int64_t cols) {
        loops.normalize(input.data() + at, m.data(), s.data(), o.data(), n, cols, y + at);
      });
    } else {
      std::optional<ImageInput<T>> side;
      if (c.num_inputs() == 6) side.emplace(c.input(5), format.channels_first);
      r.for_chunks([&](int64_t, int64_t at, int64_t n, int64_t cols) {
        loops.normalize_relu(input.data() + at, m.data(), s.data(), o.data(), side ? side->data() + at : nullptr, n,
                             cols, y + at);
      });
    }
    output.store();
  }

 private:
  C scale_of(KernelContext& c, int64_t i, double variance) const {
    return normal_scale(c.in<C>(1)[i], variance, epsilon);
  }

  // Sets all statistics outputs; returns what to multiply each channel with.
  std::vector<C> batch_statistics(KernelContext& c, const C* x, int64_t rows, int64_t channels) const {
    const Moments batch = moments(x, rows, channels);
    // The variance handed out estimates that of the population, hence Bessel's correction.
    const double bessel = rows > 1 ? static_cast<double>(rows) / static_cast<double>(rows - 1) : 1.0;
    std::vector<C> scale(channels);
    for (int64_t i = 0; i < channels; ++i) {
      const double mean = batch.mean[i], variance = batch.variance[i];
      const bool keep = factor != 1.0;
      c.out<C>(1)[i] = static_cast<C>(keep ? (1 - factor) * c.in<C>(3)[i] + factor * mean : mean);
      c.out<C>(2)[i] =
          static_cast<C>(keep ? (1 - factor) * c.in<C>(4)[i] + factor * variance * bessel : variance * bessel);
      c.out<C>(3)[i] = static_cast<C>(mean);
      c.out<C>(4)[i] = static_cast<C>(variance);
      scale[i] = scale_of(c, i, variance);
    }
    return scale;
  }

  std::vector<C> given(KernelContext& c, int64_t channels) const {
    std::vector<C> scale(channels);
    for (int64_t i = 0; i < channels; ++i) {
      c.out<C>(1)[i] = c.out<C>(3)[i] = c.in<C>(3)[i];
      c.out<C>(2)[i] = c.out<C>(4)[i] = c.in<C>(4)[i];
      scale[i] = scale_of(c, i, c.in<C>(4)[i]);
    }
    return scale;
  }
};

template <class T>
struct FusedBatchNormGrad {
  using C = ComputeType<T>;
  Format format;
  double epsilon;
  bool training, relu;
  explicit FusedBatchNormGrad(const Attrs& attrs, bool relu = false)
      : format(attrs), epsilon(attrs.real("epsilon")), training(attrs.flag("is_training")), relu(relu) {}

  void operator()(KernelContext& c) const {
    const int64_t channels = c.input(1).dim(format.axis());
    const int64_t rows = channels == 0 ? 0 : c.input(1).num_elements() / channels;
    if (channels == 0) return;
    const ImageInput<T> grad(c.input(0), format.channels_first), input(c.input(1), format.channels_first);
    ImageOutput<T> output(c.output(0), format.channels_first);
    const C *g = grad.data(), *x = input.data(), *scale = c.in<C>(2), *mean = c.in<C>(3), *variance = c.in<C>(4);
    const auto& loops = simd::channel_loops<C>();

    // sum of g and of g * (x - mean), by chunks
    const Rows<C> r(rows, channels);
    const std::vector<C> m = r.repeat(mean);
    std::vector<C> relu_scale, relu_offset;
    if (relu) {
      for (int64_t i = 0; i < channels; ++i) relu_scale.push_back(normal_scale(scale[i], variance[i], epsilon));
      relu_scale = r.repeat(relu_scale.data());
      relu_offset = r.repeat(c.in<C>(5));
    }
    const simd::ReluOf<C> passes{relu_scale.data(), relu_offset.data()};
    const simd::ReluOf<C>* const relu_of = relu ? &passes : nullptr;
    std::vector<C> sum(r.chunks() * channels), product(r.chunks() * channels);
    parallel_for(r.chunks(), 1, [&](int64_t begin, int64_t end) {
      std::vector<C> sums(r.wide()), products(r.wide());
      for (int64_t k = begin; k < end; ++k)
        r.for_parts(k, [&](int64_t at, int64_t n, int64_t cols) {
          loops.products(x + at, g + at, m.data(), relu_of, n, cols, sums.data(), products.data());
          r.fold(sums.data(), cols, &sum[k * channels]);
          r.fold(products.data(), cols, &product[k * channels]);
        });
    });

    // dx = a * g + b * (x - mean) + d
    std::vector<C> a(channels), b(channels), d(channels);
    for (int64_t i = 0; i < channels; ++i) {
      double g_sum = 0, gx_sum = 0;
      for (int64_t k = 0; k < r.chunks(); ++k) {
        g_sum += sum[k * channels + i];
        gx_sum += product[k * channels + i];
      }
      const double inverse = 1.0 / (static_cast<double>(variance[i]) + epsilon), deviation = std::sqrt(inverse);
      c.out<C>(1)[i] = static_cast<C>(gx_sum * deviation);
      c.out<C>(2)[i] = static_cast<C>(g_sum);
      const double factor = scale[i] * deviation, n = static_cast<double>(rows);
      a[i] = static_cast<C>(factor);
      b[i] = static_cast<C>(training ? -factor * inverse * gx_sum / n : 0.0);
      d[i] = static_cast<C>(training ? -factor * g_sum / n : 0.0);
    }
    const std::vector<C> wa = r.repeat(a.data()), wb = r.repeat(b.data()), wd = r.repeat(d.data());
    C* dx = output.data();
    r.for_chunks([&](int64_t, int64_t at, int64_t n, int64_t cols) {
      loops.combine(x + at, g + at, m.data(), relu_of, wa.data(), wb.data(), wd.data(), n, cols, dx + at);
    });
    output.store();
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

struct Version {
  const char* suffix;
  const char* image_types;
  const char* statistic_types;  // nullptr: those of the image
  const char* formats;
  bool reserve_space_3;
};

void register_version(Registry& r, const Version& v) {
  const std::string name = std::string("FusedBatchNorm") + v.suffix,
                    grad = std::string("FusedBatchNormGrad") + v.suffix;
  const std::string u = v.statistic_types ? "U" : "T";
  const auto types = [&](OpBuilder& op) {
    op.attr(std::string("T: ") + v.image_types);
    if (v.statistic_types) op.attr(std::string("U: ") + v.statistic_types);
    op.attr("epsilon: float = 0.0001").attr(std::string("data_format: ") + v.formats + " = 'NHWC'");
    op.attr("is_training: bool = true");
  };

  OpBuilder forward = r.op(name).input("x: T");
  for (const char* in : {"scale: ", "offset: ", "mean: ", "variance: "}) forward.input(in + u);
  forward.output("y: T");
  for (const char* out : {"batch_mean: ", "batch_variance: ", "reserve_space_1: ", "reserve_space_2: "})
    forward.output(out + u);
  if (v.reserve_space_3) forward.output("reserve_space_3: " + u);
  types(forward.attr("exponential_avg_factor: float = 1.0").shape(forward_shape));

  OpBuilder backward = r.op(grad).input("y_backprop: T").input("x: T");
  // Later versions take float32 statistics only, whatever T; here float64 goes with float64.
  backward.input("scale: " + u).input("reserve_space_1: " + u).input("reserve_space_2: " + u);
  if (v.reserve_space_3) backward.input("reserve_space_3: " + u);
  backward.output("x_backprop: T").output("scale_backprop: " + u).output("offset_backprop: " + u);
  backward.output((v.reserve_space_3 ? "reserve_space_4: " : "reserve_space_3: ") + u);
  backward.output((v.reserve_space_3 ? "reserve_space_5: " : "reserve_space_4: ") + u);
  types(backward.shape(grad_shape));
}

// FusedBatchNorm in training with what passes/fuse_batch_norm.cc joins to it: relu, after a sum with another image.
void register_relu(Registry& r) {
  const auto types = [](OpBuilder& op) {
    op.attr("T: {half, bfloat16, float, double}").attr("U: {float, double}").attr("epsilon: float = 0.0001");
    op.attr("data_format: string = 'NHWC'").attr("is_training: bool = true");
  };
  OpBuilder forward = r.op("_BatchNormRelu");
  forward.input("x: T").input("scale: U").input("offset: U").input("mean: U").input("variance: U");
  forward.input("side: num_side_inputs * T").output("y: T").output("batch_mean: U").output("batch_variance: U");
  forward.output("reserve_space_1: U").output("reserve_space_2: U").output("reserve_space_3: U");
  forward.attr("num_side_inputs: int >= 0").attr("exponential_avg_factor: float = 1.0").shape(forward_shape);
  types(forward);
  OpBuilder backward = r.op("_BatchNormReluGrad");
  backward.input("y_backprop: T").input("x: T").input("scale: U").input("reserve_space_1: U");
  backward.input("reserve_space_2: U").input("offset: U").output("x_backprop: T").output("scale_backprop: U");
  backward.output("offset_backprop: U").output("reserve_space_4: U").output("reserve_space_5: U").shape(grad_shape);
  types(backward);
  r.kernels<BatchNormRelu>("_BatchNormRelu", DeviceKind::kCPU, FloatTypes{});
  r.kernels<BatchNormReluGrad>("_BatchNormReluGrad", DeviceKind::kCPU, FloatTypes{});
}

}  // namespace

void register_batch_norm(Registry& r) {
  const char* images = "{half, bfloat16, float, double}";
  const char* statistics = "{float, double}";
  const char* formats = "{'NHWC', 'NCHW'}";
  register_version(r, {"", "{float, double}", nullptr, formats, false});
  register_version(r, {"V2", images, statistics, formats, false});
  register_version(r, {"V3", images, statistics, "{'NHWC', 'NCHW', 'NDHWC', 'NCDHW'}", true});
  const auto cpu = DeviceKind::kCPU;
  r.kernels<FusedBatchNorm>("FusedBatchNorm", cpu, TypeList<float, double>{});
  r.kernels<FusedBatchNormGrad>("FusedBatchNormGrad", cpu, TypeList<float, double>{});
  for (const char* version : {"V2", "V3"}) {
    r.kernels<FusedBatchNorm>(std::string("FusedBatchNorm") + version, cpu, FloatTypes{});
    r.kernels<FusedBatchNormGrad>(std::string("FusedBatchNormGrad") + version, cpu, FloatTypes{});
  }
  register_relu(r);
}

}  // namespace tfmini
