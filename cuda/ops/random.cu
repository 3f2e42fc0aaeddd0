// RandomUniform, RandomStandardNormal and TruncatedNormal: the blocks of the CPU's stream, one per thread. Uniform
// numbers are the CPU's bit for bit, normal ones up to the rounding of log, sin and cos.
#include "ops/random.h"

#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"
#include "simd/math.h"

namespace tfmini::cuda {
namespace {

// Words of a block as numbers: kPerBlock of them, in the type arithmetic happens in.
template <class T>
struct UniformUnit {
  static constexpr int kPerBlock = std::is_same_v<T, double> ? 2 : 4;
  __device__ static void convert(const uint32_t* w, ComputeType<T>* out) {
#pragma unroll
    for (int i = 0; i < kPerBlock; ++i) {
      if constexpr (std::is_same_v<T, double>)
        out[i] = unit_double(w[2 * i], w[2 * i + 1]);
      else if constexpr (std::is_same_v<T, Half>)
        out[i] = static_cast<float>(w[i] & 0x3ffu) * 0x1p-10f;
      else if constexpr (std::is_same_v<T, BFloat16>)
        out[i] = static_cast<float>(w[i] & 0x7fu) * 0x1p-7f;
      else
        out[i] = unit_float(w[i]);
    }
  }
};
// Box and Muller. The clamp keeps the logarithm finite.
template <class T>
struct StandardNormal {
  using C = ComputeType<T>;
  static constexpr int kPerBlock = UniformUnit<C>::kPerBlock;
  __device__ static void convert(const uint32_t* w, C* out) {
    UniformUnit<C>::convert(w, out);
#pragma unroll
    for (int i = 0; i < kPerBlock; i += 2) {
      const C u = out[i] < C(1e-7) ? C(1e-7) : out[i], angle = C(2 * simd::math::kPi) * out[i + 1];
      const C radius = simd::math::sqrt(C(-2) * simd::math::log(u));
      out[i] = simd::math::sin(angle) * radius;
      out[i + 1] = simd::math::cos(angle) * radius;
    }
  }
};

template <class Distribution, class T>
__global__ void __launch_bounds__(kThreads) fill(Philox generator, T* out, int64_t n) {
  constexpr int kPerBlock = Distribution::kPerBlock;
  const int64_t block = thread_index(), begin = block * kPerBlock;
  if (begin >= n) return;
  generator.skip(static_cast<uint64_t>(block));
  ComputeType<T> numbers[kPerBlock];
  T values[kPerBlock];
  const PhiloxBlock words = generator.next();
  Distribution::convert(words.word, numbers);
#pragma unroll
  for (int i = 0; i < kPerBlock; ++i) values[i] = narrow<T>(numbers[i]);
  store_pack<kPerBlock>(out + begin, n - begin, is_aligned<kPerBlock>(out), values);
}

// Every group has its own stretch of the stream, in which it draws until it has enough.
template <class T>
__global__ void __launch_bounds__(kThreads) truncated(Philox generator, T* out, int64_t n) {
  using C = ComputeType<T>;
  constexpr int kGroup = StandardNormal<C>::kPerBlock;
  constexpr uint64_t kBlocksPerGroup = kGroup * RandomState::kBlocksPerOutput / Philox::kWords;
  const int64_t group = thread_index(), begin = group * kGroup;
  if (begin >= n) return;
  generator.skip(static_cast<uint64_t>(group) * kBlocksPerGroup);
  const int64_t wanted = n - begin < kGroup ? n - begin : kGroup;
  for (int64_t done = 0; done < wanted;) {
    C normal[kGroup];
    const PhiloxBlock words = generator.next();
    StandardNormal<C>::convert(words.word, normal);
    for (int i = 0; i < kGroup && done < wanted; ++i)
      if (simd::math::abs(normal[i]) < C(2)) out[begin + done++] = narrow<T>(normal[i]);
  }
}

template <class T, class Kernel>
void run(KernelContext& c, const Seeds& seeds, int per_thread, Kernel* kernel) {
  const int64_t n = c.output(0).num_elements();
  const Philox generator = seeds.state(c).reserve_outputs(static_cast<uint64_t>(n));
  if (n == 0) return;
  launch(kernel, blocks_for((n + per_thread - 1) / per_thread), kThreads, 0, stream(c), generator, c.out<T>(0), n);
}

template <class T>
struct Uniform {
  Seeds seeds;
  explicit Uniform(const Attrs& attrs) : seeds(attrs) {}
  void operator()(KernelContext& c) const { run<T>(c, seeds, UniformUnit<T>::kPerBlock, &fill<UniformUnit<T>, T>); }
};
template <class T>
struct Normal {
  Seeds seeds;
  explicit Normal(const Attrs& attrs) : seeds(attrs) {}
  void operator()(KernelContext& c) const {
    run<T>(c, seeds, StandardNormal<T>::kPerBlock, &fill<StandardNormal<T>, T>);
  }
};
template <class T>
struct Truncated {
  Seeds seeds;
  explicit Truncated(const Attrs& attrs) : seeds(attrs) {}
  void operator()(KernelContext& c) const {
    run<T>(c, seeds, StandardNormal<ComputeType<T>>::kPerBlock, &truncated<T>);
  }
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_random_cuda(Registry& r) {
  r.kernels<cuda::Uniform>("RandomUniform", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::Normal>("RandomStandardNormal", DeviceKind::kCUDA, FloatTypes{});
  r.kernels<cuda::Truncated>("TruncatedNormal", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini
