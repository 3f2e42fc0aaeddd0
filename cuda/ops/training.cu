// Dense optimizer updates: ApplyGradientDescent, ApplyMomentum, ApplyAdam, ...; see kOptimizers. Many variables are one
// kernel.
#include "ops/training.h"

#include "core/launch.cuh"
#include "core/optimizer.cuh"
#include "core/stream.h"
#include "simd/training_rules.h"

namespace tfmini::cuda {
namespace {

using namespace simd::rules;

// Variables with their slots and gradients, updated by one kernel.
constexpr int kMaxMembers = 24;  // a kernel's parameters stay below 4 KiB
template <class T>
struct Group {
  struct Member {
    T* states[kMaxStates];
    const T* gradient;
    int64_t n, first_block;
    const void* scalars[kMaxParams];
    bool aligned;
  };
  Member members[kMaxMembers];
  int count;
  ScalarFormat<T> format;
};

template <template <class> class Rule, class T>
__global__ void __launch_bounds__(kThreads) apply(const __grid_constant__ Group<T> group) {
  using C = ComputeType<T>;
  constexpr int kPack = kPackOf<T>, kStates = Rule<C>::kStates;
  int member = 0;
  while (member + 1 < group.count && group.members[member + 1].first_block <= blockIdx.x) ++member;
  const auto& m = group.members[member];
  const int64_t begin = ((blockIdx.x - m.first_block) * kThreads + threadIdx.x) * kPack, left = m.n - begin;
  if (left <= 0) return;
  C p[kMaxParams];
  group.format.read(m.scalars, p);
  const Rule<C> rule(p);
  T g[kPack] = {}, s[kStates][kPack] = {};
  load_pack<kPack>(m.gradient + begin, left, m.aligned, g);
#pragma unroll
  for (int k = 0; k < kStates; ++k) load_pack<kPack>(m.states[k] + begin, left, m.aligned, s[k]);
  step(rule, g, s);
#pragma unroll
  for (int k = 0; k < kStates; ++k) store_pack<kPack>(m.states[k] + begin, left, m.aligned, s[k]);
}

// In the order of simd::Rule.
template <class T>
constexpr void (*kKernels[])(Group<T>) = {
    apply<GradientDescent, T>,
    apply<Momentum, T>,
    apply<Adagrad, T>,
    apply<AdagradV2, T>,
    apply<RMSProp, T>,
    apply<CenteredRMSProp, T>,
    apply<Adam, T>,
    apply<AdaMax, T>,
    apply<Adadelta, T>,
    apply<Ftrl, T>,
    apply<FtrlV2, T>,
    apply<ProximalGradientDescent, T>,
    apply<ProximalAdagrad, T>,
    apply<AdagradDA, T>,
    apply<PowerSign, T>,
    apply<AddSign, T>,
};

template <class T>
class Apply {
 public:
  Apply(const Optimizer& optimizer, const OpDef& def, const Attrs& attrs) : node_(optimizer, def, attrs) {}
  void operator()(KernelContext& c) const {
    constexpr int kPack = kPackOf<T>;
    VariableUpdate update = node_.update(c);
    for (int i = 0; i < node_.count(); ++i) node_.check_shapes(c, update, i);
    Group<T> group{};
    group.format = ScalarFormat<T>::of(c, node_);
    int64_t blocks = 0;
    const auto flush = [&] {
      if (group.count == 0) return;
      launch(kKernels<T>[static_cast<int>(node_.rule())], dim3(static_cast<unsigned>(blocks)), kThreads, 0, stream(c),
             group);
      group.count = 0;
      blocks = 0;
    };
    for (int i = 0; i < node_.count(); ++i) {
      const Tensor& gradient = node_.gradient(c, i);
      if (gradient.num_elements() == 0) continue;
      if (group.count == kMaxMembers) flush();
      auto& m = group.members[group.count++];
      m.gradient = gradient.data<T>();
      m.n = gradient.num_elements();
      m.first_block = blocks;
      m.aligned = is_aligned<kPack>(m.gradient);
      const auto states = node_.states(update, i);
      for (int k = 0; k < node_.num_states(); ++k) {
        m.states[k] = states[static_cast<size_t>(k)];
        m.aligned &= is_aligned<kPack>(m.states[k]);
      }
      locate_scalars(c, node_, i, m.scalars);
      blocks += (m.n + kThreads * kPack - 1) / (kThreads * kPack);
    }
    flush();
  }

 private:
  OptimizerNode<T> node_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_training_cuda(Registry& r) {
  for (const Optimizer& o : kOptimizers)
    for (const char* kind : {"Apply", "_GroupedApply"})
      add_optimizer_kernels<cuda::Apply>(r, o, std::string(kind) + o.name, FloatTypes{}, DeviceKind::kCUDA);
}

}  // namespace tfmini
