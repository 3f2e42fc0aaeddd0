// The optimizers' update rules, for CPU loops and CUDA kernels.
#pragma once

#include <cmath>

#include "core/half.h"

namespace tfmini::simd {
// In a namespace without a name: these are compiled once per instruction set.
namespace {
namespace rules {

// A rule is built from the op's scalars and updates one element of the variable and its slots, s.
// Members are the loop invariants; tests of a flag are moved out of the loop by the compiler.
#define RULE_STEP TFMINI_ALWAYS_INLINE void operator()(C g, C* s) const

template <class C>
TFMINI_ALWAYS_INLINE C sign(C x) {
  return x > C(0) ? C(1) : x < C(0) ? C(-1) : C(0);
}
template <class C>
TFMINI_ALWAYS_INLINE C positive_part(C x) {
  return x > C(0) ? x : C(0);
}

template <class C>
struct GradientDescent {
  static constexpr int kStates = 1;
  C lr;
  TFMINI_ALWAYS_INLINE explicit GradientDescent(const C* p) : lr(p[0]) {}
  RULE_STEP { s[0] -= g * lr; }
};

// accum = momentum * accum + g; Nesterov's variant steps along where the next gradient is expected.
template <class C>
struct Momentum {
  static constexpr int kStates = 2;
  C lr, momentum;
  bool nesterov;
  TFMINI_ALWAYS_INLINE explicit Momentum(const C* p) : lr(p[0]), momentum(p[1]), nesterov(p[2] != C(0)) {}
  RULE_STEP {
    s[1] = s[1] * momentum + g;
    s[0] -= nesterov ? g * lr + s[1] * momentum * lr : s[1] * lr;
  }
};

template <class C>
struct Adagrad {
  static constexpr int kStates = 2;
  C lr;
  bool update_slots;
  TFMINI_ALWAYS_INLINE explicit Adagrad(const C* p) : lr(p[0]), update_slots(p[1] != C(0)) {}
  RULE_STEP {
    if (update_slots) s[1] += g * g;
    s[0] -= g * lr / std::sqrt(s[1]);
  }
};

template <class C>
struct AdagradV2 {
  static constexpr int kStates = 2;
  C lr, epsilon;
  bool update_slots;
  TFMINI_ALWAYS_INLINE explicit AdagradV2(const C* p) : lr(p[0]), epsilon(p[1]), update_slots(p[2] != C(0)) {}
  RULE_STEP {
    if (update_slots) s[1] += g * g;
    s[0] -= g * lr / (std::sqrt(s[1]) + epsilon);
  }
};

// Slots: mean square, momentum.
template <class C>
struct RMSProp {
  static constexpr int kStates = 3;
  C lr, decay, momentum, epsilon;
  TFMINI_ALWAYS_INLINE explicit RMSProp(const C* p) : lr(p[0]), decay(C(1) - p[1]), momentum(p[2]), epsilon(p[3]) {}
  RULE_STEP {
    s[1] += (g * g - s[1]) * decay;
    s[2] = s[2] * momentum + g * lr / std::sqrt(s[1] + epsilon);
    s[0] -= s[2];
  }
};

// Slots: mean gradient, mean square, momentum.
template <class C>
struct CenteredRMSProp {
  static constexpr int kStates = 4;
  C lr, decay, momentum, epsilon;
  TFMINI_ALWAYS_INLINE explicit CenteredRMSProp(const C* p)
      : lr(p[0]), decay(C(1) - p[1]), momentum(p[2]), epsilon(p[3]) {}
  RULE_STEP {
    s[2] += (g * g - s[2]) * decay;
    s[1] += (g - s[1]) * decay;
    s[3] = s[3] * momentum + g * lr / std::sqrt(s[2] - s[1] * s[1] + epsilon);
    s[0] -= s[3];
  }
};

// Params: beta1_power, beta2_power, lr, beta1, beta2, epsilon, use_nesterov.
template <class C>
struct Adam {
  static constexpr int kStates = 3;
  C rate, beta1, decay1, decay2, epsilon;
  bool nesterov;
  TFMINI_ALWAYS_INLINE explicit Adam(const C* p)
      : rate(p[2] * std::sqrt(C(1) - p[1]) / (C(1) - p[0])),
        beta1(p[3]),
        decay1(C(1) - p[3]),
        decay2(C(1) - p[4]),
        epsilon(p[5]),
        nesterov(p[6] != C(0)) {}
  RULE_STEP {
    s[1] += (g - s[1]) * decay1;
    s[2] += (g * g - s[2]) * decay2;
    const C direction = nesterov ? g * decay1 + beta1 * s[1] : s[1];
    s[0] -= direction * rate / (std::sqrt(s[2]) + epsilon);
  }
};

// Params: beta1_power, lr, beta1, beta2, epsilon.
template <class C>
struct AdaMax {
  static constexpr int kStates = 3;
  C rate, decay1, beta2, epsilon;
  TFMINI_ALWAYS_INLINE explicit AdaMax(const C* p)
      : rate(p[1] / (C(1) - p[0])), decay1(C(1) - p[2]), beta2(p[3]), epsilon(p[4]) {}
  RULE_STEP {
    s[1] += (g - s[1]) * decay1;
    const C decayed = beta2 * s[2], magnitude = std::abs(g);
    s[2] = decayed > magnitude ? decayed : magnitude;
    s[0] -= rate * s[1] / (s[2] + epsilon);
  }
};

// Slots: accumulated squares of gradients and of updates.
template <class C>
struct Adadelta {
  static constexpr int kStates = 3;
  C lr, rho, decay, epsilon;
  TFMINI_ALWAYS_INLINE explicit Adadelta(const C* p) : lr(p[0]), rho(p[1]), decay(C(1) - p[1]), epsilon(p[2]) {}
  RULE_STEP {
    s[1] = s[1] * rho + g * g * decay;
    const C update = std::sqrt(s[2] + epsilon) / std::sqrt(s[1] + epsilon) * g;
    s[0] -= update * lr;
    s[2] = s[2] * rho + update * update * decay;
  }
};

// Follow the regularized leader (McMahan et al., KDD 2013). Slots: accumulated squares, linear term.
template <class C, bool kShrinkage>
struct FtrlRule {
  static constexpr int kStates = 3;
  C lr, l1, l2, shrinkage, power;
  bool root, multiply_linear_by_lr;
  TFMINI_ALWAYS_INLINE explicit FtrlRule(const C* p)
      : lr(p[0]),
        l1(p[1]),
        l2(p[2]),
        shrinkage(kShrinkage ? p[3] : C(0)),
        power(-p[kShrinkage ? 4 : 3]),
        root(power == C(0.5)),
        multiply_linear_by_lr(p[kShrinkage ? 5 : 4] != C(0)) {}
  RULE_STEP {
    const C shrunk = kShrinkage ? g + C(2) * shrinkage * s[0] : g;
    const C accum = s[1] + g * g;
    const C before = root ? std::sqrt(s[1]) : std::pow(s[1], power);
    const C after = root ? std::sqrt(accum) : std::pow(accum, power);
    // With multiply_linear_by_lr the slot holds lr * linear, which saves a division.
    const C scale = multiply_linear_by_lr ? lr : C(1);
    const C step = multiply_linear_by_lr ? (after - before) * s[0] : (after - before) / lr * s[0];
    const C linear = s[2] + (shrunk * scale - step);
    const C threshold = l1 * scale;
    const C quadratic = multiply_linear_by_lr ? after + C(2) * l2 * lr : after / lr + C(2) * l2;
    s[0] = std::abs(linear) > threshold ? (threshold * sign(linear) - linear) / quadratic : C(0);
    s[1] = accum;
    s[2] = linear;
  }
};
template <class C>
struct Ftrl : FtrlRule<C, false> {
  TFMINI_ALWAYS_INLINE explicit Ftrl(const C* p) : FtrlRule<C, false>(p) {}
};
template <class C>
struct FtrlV2 : FtrlRule<C, true> {
  TFMINI_ALWAYS_INLINE explicit FtrlV2(const C* p) : FtrlRule<C, true>(p) {}
};

// Forward-backward splitting (Duchi and Singer, 2009): a gradient step, then shrinkage by l1 and l2.
template <class C>
TFMINI_ALWAYS_INLINE C shrink(C x, C rate, C l1, C l2) {
  const C kept = l1 > C(0) ? sign(x) * positive_part(std::abs(x) - rate * l1) : x;
  return kept / (C(1) + l2 * rate);
}

template <class C>
struct ProximalGradientDescent {
  static constexpr int kStates = 1;
  C lr, l1, l2;
  TFMINI_ALWAYS_INLINE explicit ProximalGradientDescent(const C* p) : lr(p[0]), l1(p[1]), l2(p[2]) {}
  RULE_STEP { s[0] = shrink(s[0] - g * lr, lr, l1, l2); }
};

template <class C>
struct ProximalAdagrad {
  static constexpr int kStates = 2;
  C lr, l1, l2;
  TFMINI_ALWAYS_INLINE explicit ProximalAdagrad(const C* p) : lr(p[0]), l1(p[1]), l2(p[2]) {}
  RULE_STEP {
    s[1] += g * g;
    const C rate = lr / std::sqrt(s[1]);
    s[0] = shrink(s[0] - g * rate, rate, l1, l2);
  }
};

// Dual averaging (Duchi, Hazan and Singer, 2011). Slots: accumulated gradients and their squares.
// Params: lr, l1, l2, global_step.
template <class C>
struct AdagradDA {
  static constexpr int kStates = 3;
  C lr, l1, threshold, ridge;
  TFMINI_ALWAYS_INLINE explicit AdagradDA(const C* p)
      : lr(p[0]), l1(p[1]), threshold(p[3] * p[1]), ridge(p[2] * (p[3] * p[0])) {}
  RULE_STEP {
    s[1] += g;
    s[2] += g * g;
    const C kept = l1 > C(0) ? sign(s[1]) * positive_part(std::abs(s[1]) - threshold) : s[1];
    s[0] = -lr * kept / (ridge + std::sqrt(s[2]));
  }
};

// Params: lr, logbase, sign_decay, beta.
template <class C>
struct PowerSign {
  static constexpr int kStates = 2;
  C lr, scale, beta;
  TFMINI_ALWAYS_INLINE explicit PowerSign(const C* p) : lr(p[0]), scale(p[1] * p[2]), beta(p[3]) {}
  RULE_STEP {
    s[1] = s[1] * beta + g * (C(1) - beta);
    s[0] -= lr * std::exp(scale * sign(g) * sign(s[1])) * g;
  }
};

// Params: lr, alpha, sign_decay, beta.
template <class C>
struct AddSign {
  static constexpr int kStates = 2;
  C lr, alpha, sign_decay, beta;
  TFMINI_ALWAYS_INLINE explicit AddSign(const C* p) : lr(p[0]), alpha(p[1]), sign_decay(p[2]), beta(p[3]) {}
  RULE_STEP {
    s[1] = s[1] * beta + g * (C(1) - beta);
    s[0] -= lr * (alpha + sign_decay * sign(g) * sign(s[1])) * g;
  }
};
#undef RULE_STEP

}  // namespace rules
}  // namespace
}  // namespace tfmini::simd
