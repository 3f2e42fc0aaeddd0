// DynamicPartition and DynamicStitch: slices dealt out to several tensors, and put back.
#include <vector>

#include "core/elements.h"
#include "core/infer.h"
#include "core/registry.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void partition_shape(InferContext& c) {
  const Shape &data = c.input(0), &partitions = c.input(1);
  Shape out = Shape::unknown();
  if (data.known_rank() && partitions.known_rank()) {
    check(partitions.rank() <= data.rank() && subshape(data, 0, partitions.rank()).compatible_with(partitions),
          "data.shape = ", data, " must start with partitions.shape = ", partitions);
    out = concatenate(Shape{Shape::kUnknownDim}, subshape(data, partitions.rank(), data.rank()));
  }
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, out);
}

void partition_kernel(KernelContext& c) {
  const Tensor &data = c.input(0), &partitions = c.input(1);
  const int64_t n = partitions.num_elements(), parts = c.num_outputs();
  const int32_t* part = partitions.data<int32_t>();
  std::vector<int64_t> counts(static_cast<size_t>(parts));
  for (int64_t i = 0; i < n; ++i) {
    check(part[i] >= 0 && part[i] < parts, "partitions[", i, "] = ", part[i], " is not in [0, ", parts, ")");
    ++counts[static_cast<size_t>(part[i])];
  }
  const Shape slice = subshape(data.shape(), partitions.rank(), data.rank());
  for (int p = 0; p < parts; ++p) c.allocate_output(p, concatenate(Shape{counts[static_cast<size_t>(p)]}, slice));
  const int64_t width = slice.num_elements();
  with_element(data.dtype(), [&]<class T>(std::type_identity<T>) {
    std::vector<T*> to;
    for (int p = 0; p < parts; ++p) to.push_back(c.out<T>(p));
    const T* from = data.data<T>();
    for (int64_t i = 0; i < n; ++i) {
      T*& end = to[static_cast<size_t>(part[i])];
      end = std::copy_n(from + i * width, width, end);
    }
  });
}

// Inputs are n index tensors, then n data tensors with data[i].shape = indices[i].shape + slice.
void stitch_shape(InferContext& c) {
  const int n = c.num_inputs() / 2;
  Shape slice = Shape::unknown();
  int64_t rows = 0;
  for (int i = 0; i < n; ++i) {
    const Shape &indices = c.input(i), &data = c.input(n + i);
    if (const auto known = constant_ints(c, i)) {
      for (int64_t k : *known)
        if (rows >= 0) rows = std::max(rows, k + 1);
    } else {
      rows = Shape::kUnknownDim;
    }
    if (!indices.known_rank() || !data.known_rank()) continue;
    check(indices.rank() <= data.rank() && subshape(data, 0, indices.rank()).compatible_with(indices), "data[", i,
          "].shape = ", data, " does not start with indices[", i, "].shape = ", indices);
    slice = merge(slice, subshape(data, indices.rank(), data.rank()));
  }
  c.set_output(0, slice.known_rank() ? concatenate(Shape{rows}, slice) : Shape::unknown());
}

void stitch_kernel(KernelContext& c) {
  const int n = c.num_inputs() / 2;
  int64_t rows = 0;
  for (int i = 0; i < n; ++i)
    for (int64_t k = 0; k < c.input(i).num_elements(); ++k) {
      const int64_t row = c.input(i).data<int32_t>()[k];
      check(row >= 0, "indices[", i, "][", k, "] = ", row, " must not be negative");
      rows = std::max(rows, row + 1);
    }
  const Shape slice = subshape(c.input(n).shape(), c.input(0).rank(), c.input(n).rank());
  Tensor& out = c.allocate_output(0, concatenate(Shape{rows}, slice));
  const DType dtype = out.dtype();
  const int64_t width = slice.num_elements();
  std::vector<bool> written(static_cast<size_t>(rows));
  with_element(dtype, [&]<class T>(std::type_identity<T>) {
    for (int i = 0; i < n; ++i)
      for (int64_t k = 0; k < c.input(i).num_elements(); ++k) {
        const int64_t row = c.input(i).data<int32_t>()[k];
        written[static_cast<size_t>(row)] = true;
        std::copy_n(c.input(n + i).data<T>() + k * width, width, out.data<T>() + row * width);
      }
  });
  // TensorFlow leaves rows that nobody names undefined; zeros cannot leak old memory.
  for (int64_t row = 0; row < rows; ++row)
    if (!written[static_cast<size_t>(row)]) zero_run(dtype, element(out, row * width), width);
}

}  // namespace

void register_partition(Registry& r) {
  r.op("DynamicPartition")
      .input("data: T")
      .input("partitions: int32")
      .output("outputs: num_partitions * T")
      .attr("num_partitions: int >= 1")
      .attr("T: type")
      .shape(partition_shape)
      .dynamic_output();
  r.kernel("DynamicPartition", DeviceKind::kCPU, DType::kInvalid, partition_kernel);

  for (const char* name : {"DynamicStitch", "ParallelDynamicStitch"}) {
    r.op(name)
        .input("indices: N * int32")
        .input("data: N * T")
        .output("merged: T")
        .attr("N: int >= 1")
        .attr("T: type")
        .shape(stitch_shape)
        .dynamic_output();
    r.kernel(name, DeviceKind::kCPU, DType::kInvalid, stitch_kernel);
  }
}

}  // namespace tfmini
