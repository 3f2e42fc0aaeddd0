// What the kernels of MatMul and BatchMatMul on all devices share.
#pragma once

#include <string>
#include <vector>

#include "core/attrs.h"
#include "core/error.h"
#include "core/op.h"
#include "gemm/gemm.h"

namespace tfmini {

// Attribute names differ between the ops, their meaning does not.
struct Transposes {
  bool a, b;
  explicit Transposes(const Attrs& attrs)
      : a(attrs.flag(attrs.has("adj_x") ? "adj_x" : "transpose_a")),
        b(attrs.flag(attrs.has("adj_y") ? "adj_y" : "transpose_b")) {}
};

// What follows the product in _FusedMatMul, which passes/fuse_matmul.cc makes: fused_ops are some of BiasAdd, Add (of a
// matrix) and Relu, in this order. The first two have an argument each.
struct FusedMatMulOps {
  bool bias, add, relu;
  explicit FusedMatMulOps(const Attrs& attrs) {
    const auto& ops = attrs.get<std::vector<std::string>>("fused_ops");
    size_t next = 0;
    const auto take = [&](const char* op) { return next < ops.size() && ops[next] == op && ++next; };
    bias = take("BiasAdd");
    add = take("Add");
    relu = take("Relu");
    check(next == ops.size(), "fused_ops must be some of BiasAdd, Add and Relu, in this order");
    check(attrs.integer("num_args") == args(), "the arguments of fused_ops are a bias for BiasAdd, a matrix for Add");
  }
  int args() const { return bias + add; }
  // Which inputs they are.
  static constexpr int kBias = 2;
  int added() const { return kBias + bias; }

  // `more`: how many inputs there are between the matrices and the arguments.
  template <class T>
  GemmEpilogue<T> epilogue(const KernelContext& c, int more = 0) const {
    return {
        .bias = bias ? c.in<T>(kBias + more) : nullptr, .add = add ? c.in<T>(added() + more) : nullptr, .relu = relu};
  }
};

// The arguments, the product, and the attributes they follow from.
inline OpBuilder& add_fused_ops(OpBuilder& op) {
  return op.input("args: num_args * T")
      .output("product: T")
      .attr("transpose_a: bool = false")
      .attr("transpose_b: bool = false")
      .attr("T: {float, double}")
      .attr("num_args: int >= 0")
      .attr("fused_ops: list(string)");
}

// Where matrix i of the output finds its operand: elements to the matrix in an input whose batch
// dimensions broadcast to those of the output.
class BatchOffsets {
 public:
  BatchOffsets(const Shape& input, const Shape& output) : rank_(output.rank() - 2) {
    int64_t stride = input.dim(-1) * input.dim(-2);
    const int missing = output.rank() - input.rank();
    for (int d = rank_ - 1; d >= 0; --d) {
      const int64_t size = d >= missing ? input[d - missing] : 1;
      sizes_[d] = output[d];
      strides_[d] = size == 1 ? 0 : stride;
      stride *= size;
    }
  }
  // Elements from one matrix to the next of the last `dims` batch dimensions, or -1 if that is no one number.
  int64_t stride_of(int dims) const {
    int64_t stride = 0, matrices = 1;
    for (int d = rank_ - 1; d >= rank_ - dims; --d) {
      if (sizes_[d] == 1) continue;
      if (matrices == 1) stride = strides_[d];
      if (strides_[d] != stride * matrices) return -1;
      matrices *= sizes_[d];
    }
    return stride;
  }
  int64_t operator()(int64_t i) const {
    int64_t offset = 0;
    for (int d = rank_ - 1; d >= 0; --d) {
      offset += i % sizes_[d] * strides_[d];
      i /= sizes_[d];
    }
    return offset;
  }

 private:
  int rank_;
  int64_t sizes_[Shape::kMaxRank];
  int64_t strides_[Shape::kMaxRank];
};

}  // namespace tfmini
