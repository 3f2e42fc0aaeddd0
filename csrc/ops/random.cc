// RandomUniform, RandomUniformInt, RandomStandardNormal and TruncatedNormal: TensorFlow's numbers
// for the same seeds, whatever the number of threads.
#include "ops/random.h"

#include <algorithm>
#include <cmath>

#include "core/parallel.h"
#include "core/registry.h"
#include "simd/random.h"

namespace tfmini {
namespace {

void shape_from_input(InferContext& c) {
  c.with_rank(0, 1);
  c.set_output(0, c.constant_as_shape(0));
}

void uniform_int_shape(InferContext& c) {
  c.with_rank(1, 0);
  c.with_rank(2, 0);
  shape_from_input(c);
}

constexpr int64_t kBatch = 256;  // blocks made at a time: 4 KiB of words, in L1

// Fills out[0, n): block b of the stream gives elements [b * kPerBlock, (b + 1) * kPerBlock). convert(words, out,
// blocks) makes them.
template <int kPerBlock, class T, class Convert>
void fill(const Philox& base, T* out, int64_t n, double ns_per_block, const Convert& convert) {
  const int64_t blocks = (n + kPerBlock - 1) / kPerBlock;
  parallel_for(blocks, std::max(kBatch, grain_for_cost(ns_per_block)), [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[4 * kBatch];
    for (int64_t b = begin; b < end; b += kBatch) {
      const int64_t count = std::min(kBatch, end - b);
      const int64_t whole = std::min(count, n / kPerBlock - b);
      Philox generator = base;
      generator.skip(static_cast<uint64_t>(b));
      simd::random_table().words(generator, words, count, 1);
      convert(words, out + b * kPerBlock, whole);
      if (whole < count) {
        T last[kPerBlock];
        convert(words + 4 * whole, last, 1);
        std::copy(last, last + n % kPerBlock, out + (b + whole) * kPerBlock);
      }
    }
  });
}

template <class Distribution, class T>
class FillKernel {
 public:
  explicit FillKernel(const Attrs& attrs) : seeds_(attrs) {}
  void operator()(KernelContext& c) const {
    const int64_t n = c.output(0).num_elements();
    const Philox generator = seeds_.state(c).reserve_outputs(static_cast<uint64_t>(n));
    fill<Distribution::kPerBlock>(generator, c.out<T>(0), n, Distribution::kPerBlock * kNanoseconds,
                                  Distribution::convert);
  }

 private:
  static constexpr double kNanoseconds = !std::is_same_v<Distribution, StandardNormal<T>> ? 1.0
                                         : std::is_same_v<T, double>                      ? 30.0
                                                                                          : 3.0;
  Seeds seeds_;
};

template <class T>
struct RandomUniform : FillKernel<UniformUnit<T>, T> {
  using FillKernel<UniformUnit<T>, T>::FillKernel;
};
template <class T>
struct RandomStandardNormal : FillKernel<StandardNormal<T>, T> {
  using FillKernel<StandardNormal<T>, T>::FillKernel;
};

template <class T>
class RandomUniformInt {
 public:
  explicit RandomUniformInt(const Attrs& attrs) : seeds_(attrs) {}
  void operator()(KernelContext& c) const {
    using U = std::make_unsigned_t<T>;
    const T low = *c.in<T>(1), high = *c.in<T>(2);
    check(low < high, "need minval < maxval, got ", low, " >= ", high);
    const U range = static_cast<U>(high) - static_cast<U>(low);
    const int64_t n = c.output(0).num_elements();
    const Philox generator = seeds_.state(c).reserve_outputs(static_cast<uint64_t>(n));
    constexpr int kPerBlock = 16 / sizeof(T);
    fill<kPerBlock>(generator, c.out<T>(0), n, 10.0, [=](const uint32_t* w, T* out, int64_t blocks) {
      for (int64_t i = 0; i < blocks * kPerBlock; ++i) {
        U bits;
        if constexpr (sizeof(T) == 8)
          bits = w[2 * i] | static_cast<U>(w[2 * i + 1]) << 32;
        else
          bits = w[i];
        out[i] = static_cast<T>(static_cast<U>(low) + bits % range);  // modulo 2^32 or 2^64: cannot overflow
      }
    });
  }

 private:
  Seeds seeds_;
};

// Normal numbers outside (-2, 2) are drawn again. Every group of outputs has its own stretch of the
// stream, long enough that groups never meet.
template <class T>
class TruncatedNormal {
 public:
  explicit TruncatedNormal(const Attrs& attrs) : seeds_(attrs) {}
  void operator()(KernelContext& c) const {
    const int64_t n = c.output(0).num_elements();
    const Philox base = seeds_.state(c).reserve_outputs(static_cast<uint64_t>(n));
    T* out = c.out<T>(0);
    parallel_for((n + kGroup - 1) / kGroup, std::max(kBatch, grain_for_cost(20.0)), [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; g += kBatch) {
        Philox generator = base;
        generator.skip(static_cast<uint64_t>(g) * kBlocksPerGroup);
        fill_groups(generator, out + g * kGroup, std::min((end - g) * kGroup, n - g * kGroup));
      }
    });
  }

 private:
  using C = ComputeType<T>;
  static constexpr int kGroup = StandardNormal<C>::kPerBlock;
  static constexpr uint64_t kBlocksPerGroup = kGroup * RandomState::kBlocksPerOutput / Philox::kWords;

  struct Group {
    int64_t number, done;  // outputs made so far
  };

  // Up to kBatch groups, n outputs in all: the first block of each; then the next of those that are not complete, ...
  static void fill_groups(const Philox& base, T* out, int64_t n) {
    alignas(64) uint32_t words[Philox::kWords * kBatch];
    C normal[kGroup * kBatch];
    Group left[kBatch];
    int64_t count = std::min(kBatch, (n + kGroup - 1) / kGroup);
    for (int64_t g = 0; g < count; ++g) left[g] = {g, 0};
    simd::random_table().words(base, words, count, kBlocksPerGroup);
    for (uint64_t block = 1; count > 0; ++block) {
      StandardNormal<C>::convert(words, normal, count);
      int64_t incomplete = 0;
      for (int64_t k = 0; k < count; ++k) {
        Group group = left[k];
        const int64_t size = std::min<int64_t>(kGroup, n - group.number * kGroup);
        for (int i = 0; i < kGroup && group.done < size; ++i)
          if (std::abs(normal[k * kGroup + i]) < C(2))
            out[group.number * kGroup + group.done++] = normal[k * kGroup + i];
        if (group.done < size) left[incomplete++] = group;
      }
      count = incomplete;
      for (int64_t k = 0; k < count; ++k) {
        Philox generator = base;
        generator.skip(static_cast<uint64_t>(left[k].number) * kBlocksPerGroup + block);
        std::copy_n(generator.next().word, Philox::kWords, words + Philox::kWords * k);
      }
    }
  }
  Seeds seeds_;
};

}  // namespace

void register_random(Registry& r) {
  for (const char* op : {"RandomUniform", "RandomStandardNormal", "TruncatedNormal"})
    r.op(op)
        .input("shape: T")
        .output("output: dtype")
        .attr("seed: int = 0")
        .attr("seed2: int = 0")
        .attr("dtype: {half, bfloat16, float, double}")
        .attr("T: {int32, int64}")
        .stateful()
        .host_input(0)
        .shape(shape_from_input);
  r.kernels<RandomUniform>("RandomUniform", DeviceKind::kCPU, FloatTypes{});
  r.kernels<RandomStandardNormal>("RandomStandardNormal", DeviceKind::kCPU, FloatTypes{});
  r.kernels<TruncatedNormal>("TruncatedNormal", DeviceKind::kCPU, FloatTypes{});

  r.op("RandomUniformInt")
      .input("shape: T")
      .input("minval: Tout")
      .input("maxval: Tout")
      .output("output: Tout")
      .attr("seed: int = 0")
      .attr("seed2: int = 0")
      .kernel_attr("Tout")
      .attr("Tout: {int32, int64}")
      .attr("T: {int32, int64}")
      .stateful()
      .host_input(0)
      .host_input(1)
      .host_input(2)
      .shape(uniform_int_shape);
  r.kernels<RandomUniformInt>("RandomUniformInt", DeviceKind::kCPU, IndexTypes{});
}

}  // namespace tfmini
