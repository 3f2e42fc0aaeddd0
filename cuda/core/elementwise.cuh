// Kernels of the functions in simd/functors.h: one thread per 16 bytes, operands broadcast as in core/broadcast.h.
#pragma once

#include "core/broadcast.h"
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"
#include "simd/functors.h"

namespace tfmini::cuda {

// Types with kernels: those that models compute in. Others run on the CPU.
using ElementTypes = TypeList<float, double, Half, BFloat16, int32_t, int64_t, bool>;

// An input read as if it had the output's shape.
struct Operand {
  enum class Way : int8_t { kDense, kScalar, kBroadcast };
  const void* data;
  Way way;
  bool aligned;  // to whole packs
  BroadcastInput shape;

  template <class T, int N>
  static Operand of(const Tensor& t, const Shape& out) {
    Operand o{t.raw(), Way::kBroadcast, is_aligned<N>(t.data<T>()), BroadcastInput(t.shape(), out, sizeof(T))};
    if (o.shape.full()) o.way = Way::kDense;
    if (o.shape.scalar() || t.num_elements() == 1) o.way = Way::kScalar;
    return o;
  }

  // The elements for output elements [begin, begin + n); `whole`: begin is a multiple of N.
  template <int N, class T>
  __device__ __forceinline__ void load(int64_t begin, int64_t n, T (&out)[N], bool whole = true) const {
    const T* p = static_cast<const T*>(data);
    if (way == Way::kDense) {
      load_pack<N>(p + begin, n, aligned && whole, out);
    } else if (way == Way::kScalar) {
      const T value = *p;
#pragma unroll
      for (int i = 0; i < N; ++i) out[i] = value;
    } else {
      int64_t at[N];
      BroadcastInput::Walk walk{};
      // The divisions are in the code once, and done once per row of the output that the pack reaches into.
      fill_pack<true>(at, [&](int i) {
        if (walk.run == 0) walk = shape.walk_from(begin + i);
        --walk.run;
        walk.at += walk.step;
        return walk.at - walk.step;
      });
#pragma unroll
      for (int i = 0; i < N; ++i) out[i] = i < n ? p[at[i]] : T{};
    }
  }
};

template <class F, class T>
using ResultOf = std::conditional_t<std::is_same_v<decltype(F::run(ComputeType<T>{})), bool>, bool, T>;
template <class F, class T>
using Result2Of =
    std::conditional_t<std::is_same_v<decltype(F::run(ComputeType<T>{}, ComputeType<T>{})), bool>, bool, T>;

// Functions whose code a kernel holds once. Those that are cheap run as fast as memory allows only if they are
// unrolled.
template <class F, class T>
inline constexpr bool kIsLong = F::kCost >= (sizeof(T) == 8 ? 0.6 : 3.0);

template <class F, class T>
__global__ void __launch_bounds__(kThreads) unary(const T* x, ResultOf<F, T>* y, int64_t n, bool aligned) {
  using R = ResultOf<F, T>;
  constexpr int kPack = kPackOf<T, R>;
  const int64_t begin = thread_index() * kPack, left = n - begin;
  if (left <= 0) return;
  T in[kPack];
  R out[kPack];
  load_pack<kPack>(x + begin, left, aligned, in);
  fill_pack<kIsLong<F, T>>(out, [&](int i) { return narrow<R>(F::run(widen(pick(in, i)))); });
  store_pack<kPack>(y + begin, left, aligned, out);
}

template <class F, class T>
__global__ void __launch_bounds__(kThreads) binary(const __grid_constant__ Operand x, const __grid_constant__ Operand y,
                                                   Result2Of<F, T>* z, int64_t n, bool aligned) {
  using R = Result2Of<F, T>;
  constexpr int kPack = kPackOf<T, R>;
  const int64_t begin = thread_index() * kPack, left = n - begin;
  if (left <= 0) return;
  T a[kPack], b[kPack];
  R out[kPack];
  x.load<kPack>(begin, left, a);
  y.load<kPack>(begin, left, b);
  fill_pack<kIsLong<F, T>>(out, [&](int i) { return narrow<R>(F::run(widen(pick(a, i)), widen(pick(b, i)))); });
  store_pack<kPack>(z + begin, left, aligned, out);
}

template <class F, class T>
void run_unary(KernelContext& c) {
  using R = ResultOf<F, T>;
  constexpr int kPack = kPackOf<T, R>;
  const int64_t n = c.output(0).num_elements();
  if (n == 0) return;
  const T* x = c.in<T>(0);
  R* y = c.out<R>(0);
  launch(&unary<F, T>, blocks_for((n + kPack - 1) / kPack), kThreads, 0, stream(c), x, y, n,
         is_aligned<kPack>(x) && is_aligned<kPack>(y));
}

template <class F, class T>
void run_binary(cudaStream_t s, const Tensor& x, const Tensor& y, Tensor& z) {
  using R = Result2Of<F, T>;
  constexpr int kPack = kPackOf<T, R>;
  const int64_t n = z.num_elements();
  if (n == 0) return;
  R* out = z.data<R>();
  launch(&binary<F, T>, blocks_for((n + kPack - 1) / kPack), kThreads, 0, s, Operand::of<T, kPack>(x, z.shape()),
         Operand::of<T, kPack>(y, z.shape()), out, n, is_aligned<kPack>(out));
}

// Powers of integers refuse negative exponents: on the CPU. Integers divided by 0 are 0.
constexpr bool checks_integers(std::string_view op) { return op == "Pow"; }

// CUDA kernels of op `op` for every type of ElementTypes that the function is declared for.
template <class F, class... Ts>
void add_unary(Registry& r, std::string_view op, TypeList<Ts...>) {
  const bool has_attr = !r.find(op).kernel_attr.empty();
  const auto add = [&]<class T>(std::type_identity<T>) {
    if constexpr ((F::kTypes & simd::mask_of(dtype_of<T>)) != 0)
      r.kernel(op, DeviceKind::kCUDA, has_attr ? dtype_of<T> : DType::kInvalid, &run_unary<F, T>);
  };
  (add(std::type_identity<Ts>{}), ...);
}
template <class F, class... Ts>
void add_binary(Registry& r, std::string_view op, TypeList<Ts...>) {
  const bool has_attr = !r.find(op).kernel_attr.empty();
  const auto add = [&]<class T>(std::type_identity<T>) {
    if constexpr ((F::kTypes & simd::mask_of(dtype_of<T>)) != 0 && !(F::kChecked && std::is_integral_v<T>))
      r.kernel(
          op, DeviceKind::kCUDA, has_attr ? dtype_of<T> : DType::kInvalid,
          +[](KernelContext& c) { run_binary<F, T>(stream(c), c.input(0), c.input(1), c.output(0)); });
  };
  (add(std::type_identity<Ts>{}), ...);
}

// The polynomials of simd/math.h for these hold below 1e6 only; CUDA's own hold everywhere.
constexpr bool is_trigonometric(std::string_view op) { return op == "Sin" || op == "Cos" || op == "Tan"; }
template <char kWhich>
TFMINI_FN float trigonometric(float x) {
  if constexpr (kWhich == 'S')
    return TFMINI_LIBM(sinf)(x);
  else if constexpr (kWhich == 'C')
    return TFMINI_LIBM(cosf)(x);
  else
    return TFMINI_LIBM(tanf)(x);
}

// The functions of a list as types, for the templates above.
#define TFMINI_CUDA_UNARY(Name, types, cost, ...)                        \
  struct Name {                                                          \
    static constexpr simd::DTypeMask kTypes = types;                     \
    static constexpr double kCost = cost;                                \
    template <class T>                                                   \
    static TFMINI_FN auto run(T x) {                                     \
      if constexpr (is_trigonometric(#Name) && std::is_same_v<T, float>) \
        return trigonometric<#Name[0]>(x);                               \
      else {                                                             \
        using R = decltype(__VA_ARGS__);                                 \
        return static_cast<R>(__VA_ARGS__);                              \
      }                                                                  \
    }                                                                    \
  };
#define TFMINI_CUDA_BINARY(Name, types, cost, ...)           \
  struct Name {                                              \
    static constexpr simd::DTypeMask kTypes = types;         \
    static constexpr double kCost = cost;                    \
    static constexpr bool kChecked = checks_integers(#Name); \
    template <class T>                                       \
    static TFMINI_FN auto run(T x, T y) {                    \
      using R = decltype(__VA_ARGS__);                       \
      return static_cast<R>(__VA_ARGS__);                    \
    }                                                        \
  };
#define TFMINI_CUDA_ADD_UNARY(Name, ...) add_unary<fns::Name>(r, #Name, ElementTypes{});
#define TFMINI_CUDA_ADD_BINARY(Name, ...) add_binary<fns::Name>(r, #Name, ElementTypes{});

}  // namespace tfmini::cuda
