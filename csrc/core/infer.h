// Helpers for shape rules that read small integer inputs.
#pragma once

#include <optional>
#include <vector>

#include "core/op.h"

namespace tfmini {

// The elements of integer input i, if they are known already.
inline std::optional<std::vector<int64_t>> constant_ints(InferContext& c, int i) {
  if (const Tensor* t = c.constant(i)) return t->to_ints();
  return std::nullopt;
}

// The value of an integer input with one element, if it is known already.
inline std::optional<int64_t> constant_int(InferContext& c, int i) {
  const Tensor* t = c.constant(i);
  if (!t) return std::nullopt;
  check(t->num_elements() == 1, "input ", i, " must be a scalar, got shape ", t->shape());
  return t->int_at(0);
}

// Sum and product of two dimensions, either of which may be unknown.
inline int64_t add_dims(int64_t a, int64_t b) {
  int64_t sum;
  if (a < 0 || b < 0) return Shape::kUnknownDim;
  check(!__builtin_add_overflow(a, b, &sum), "a dimension of ", a, " + ", b, " is too large");
  return sum;
}
inline int64_t multiply_dims(int64_t a, int64_t b) {
  int64_t product;
  if (a < 0 || b < 0) return Shape::kUnknownDim;
  check(!__builtin_mul_overflow(a, b, &product), "a dimension of ", a, " * ", b, " is too large");
  return product;
}

// The one dimension both stand for; `what` names it in the error.
inline int64_t merge_dims(int64_t a, int64_t b, const char* what) {
  check(a < 0 || b < 0 || a == b, what, " must agree, got ", a, " and ", b);
  return a < 0 ? b : a;
}

// Dimensions [from, to) of a shape of known rank.
inline Shape subshape(const Shape& s, int from, int to) { return Shape(s.data() + from, to - from); }

inline Shape concatenate(Shape a, const Shape& b) {
  if (!a.known_rank() || !b.known_rank()) return Shape::unknown();
  for (int64_t d : b) a.add_dim(d);
  return a;
}

}  // namespace tfmini
