#include "simd/training.h"

#include "simd/training_rules.h"

namespace tfmini::simd::TFMINI_ISA {
namespace {

using namespace rules;

// The pointers may coincide (one variable used as two slots), never overlap in part: elements are
// independent, so the loops may be vectorised as if the arrays were distinct.
template <template <class> class R, class T, class C>
void update(T* const* state, const T* gradient, int64_t n, const C* params) {
  constexpr int kStates = R<C>::kStates;
  const R<C> rule(params);
  const T* __restrict g = gradient;
  T* __restrict s0 = state[0];
  T* __restrict s1 = kStates > 1 ? state[1] : nullptr;
  T* __restrict s2 = kStates > 2 ? state[2] : nullptr;
  T* __restrict s3 = kStates > 3 ? state[3] : nullptr;
  for (int64_t i = 0; i < n; ++i) {
    C s[4];
    s[0] = s0[i];
    if constexpr (kStates > 1) s[1] = s1[i];
    if constexpr (kStates > 2) s[2] = s2[i];
    if constexpr (kStates > 3) s[3] = s3[i];
    rule(static_cast<C>(g[i]), s);
    s0[i] = s[0];
    if constexpr (kStates > 1) s1[i] = s[1];
    if constexpr (kStates > 2) s2[i] = s[2];
    if constexpr (kStates > 3) s3[i] = s[3];
  }
}

// In the order of enum Rule.
#define ALL_RULES(T, C)                   \
  {update<GradientDescent, T, C>,         \
   update<Momentum, T, C>,                \
   update<Adagrad, T, C>,                 \
   update<AdagradV2, T, C>,               \
   update<RMSProp, T, C>,                 \
   update<CenteredRMSProp, T, C>,         \
   update<Adam, T, C>,                    \
   update<AdaMax, T, C>,                  \
   update<Adadelta, T, C>,                \
   update<Ftrl, T, C>,                    \
   update<FtrlV2, T, C>,                  \
   update<ProximalGradientDescent, T, C>, \
   update<ProximalAdagrad, T, C>,         \
   update<AdagradDA, T, C>,               \
   update<PowerSign, T, C>,               \
   update<AddSign, T, C>}

}  // namespace

extern const TrainingTable training_table = {
    ALL_RULES(float, float),
    ALL_RULES(double, double),
    ALL_RULES(Half, float),
    ALL_RULES(BFloat16, float),
};

}  // namespace tfmini::simd::TFMINI_ISA
