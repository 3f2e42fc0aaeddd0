// ScatterNd and SparseToDense: dense tensors from index vectors and values.
#include "core/infer.h"
#include "core/registry.h"
#include "ops/rows.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

std::string index_text(const Tensor& indices, int64_t row, int64_t depth) {
  std::string text = "[";
  for (int64_t d = 0; d < depth; ++d) text += (d ? ", " : "") + std::to_string(indices.int_at(row * depth + d));
  return text + "]";
}

// Row `row` of an index matrix as the number of a slice of `shape`; throws if it is outside.
int64_t slice_number(const Tensor& indices, int64_t row, int64_t depth, const Shape& shape) {
  int64_t slice = 0;
  for (int d = 0; d < depth; ++d) {
    const int64_t i = indices.int_at(row * depth + d);
    if (i < 0 || i >= shape[d]) [[unlikely]]
      invalid_argument("indices[", row, "] = ", index_text(indices, row, depth), " does not index into shape ", shape);
    slice = slice * shape[d] + i;
  }
  return slice;
}

void scatter_nd_shape(InferContext& c) {
  const Shape &indices = c.with_rank_at_least(0, 1), &updates = c.input(1);
  c.with_rank(2, 1);
  if (const auto dims = constant_ints(c, 2))
    for (int64_t d : *dims) check(d >= 0, "shape must not be negative, got ", d);
  const Shape out = c.constant_as_shape(2);
  c.set_output(0, out);
  if (!indices.known_rank() || indices.dim(-1) < 0 || !out.known_rank()) return;
  const int64_t depth = indices.dim(-1);
  check(depth <= out.rank(), "indices name ", depth, " dimensions, but shape has only ", out.rank());
  const Shape wanted =
      concatenate(subshape(indices, 0, indices.rank() - 1), subshape(out, static_cast<int>(depth), out.rank()));
  check(updates.compatible_with(wanted),
        "updates must have shape indices.shape[:-1] + shape[indices.shape[-1]:] = ", wanted, ", got ", updates);
}

template <class T>
struct ScatterNd {
  static void run(KernelContext& c) {
    const Tensor &indices = c.input(0), &updates = c.input(1);
    Tensor& out = c.output(0);
    const int64_t depth = indices.dim(-1), n = indices.shape().product(0, indices.rank() - 1);
    const int64_t width = out.shape().product(static_cast<int>(depth), out.rank());
    const RowNumbers rows(n, [&](int64_t i) { return slice_number(indices, i, depth, out.shape()); });
    zero_run(out.dtype(), out.raw(), out.num_elements());
    const T* from = updates.data<T>();
    T* to = out.data<T>();
    for_each_row(rows, 3 * width * static_cast<int64_t>(sizeof(T)), [&](int64_t i, int64_t row) {
      using C = ComputeType<T>;
      for (int64_t j = 0; j < width; ++j)
        to[row * width + j] = static_cast<T>(static_cast<C>(to[row * width + j]) + static_cast<C>(from[i * width + j]));
    });
  }
};

void sparse_to_dense_shape(InferContext& c) {
  const Shape &indices = c.with_rank_at_most(0, 2), &values = c.with_rank_at_most(2, 1);
  c.with_rank(1, 1);
  c.with_rank(3, 0);
  const Shape out = c.constant_as_shape(1);
  c.set_output(0, out);
  if (!indices.known_rank()) return;
  const int64_t n = indices.rank() == 0 ? 1 : indices[0];
  if (values.known_rank() && values.rank() == 1) merge_dims(n, values[0], "the number of indices and of values");
  const int64_t depth = indices.rank() == 2 ? indices[1] : 1;
  check(!out.known_rank() || depth < 0 || depth == out.rank(), "indices of shape ", indices,
        " do not fit output_shape ", out);
}

class SparseToDense {
 public:
  explicit SparseToDense(const Attrs& attrs) : validate_(attrs.flag("validate_indices")) {}
  void operator()(KernelContext& c) const {
    const Tensor &indices = c.input(0), &values = c.input(2);
    Tensor& out = c.output(0);
    const int64_t n = indices.rank() == 0 ? 1 : indices.dim(0), depth = out.rank();
    check(values.rank() == 0 || values.num_elements() == n, "there are ", values.num_elements(), " values for ", n,
          " indices");
    check(indices.num_elements() == n * depth, "indices of shape ", indices.shape(), " do not fit output_shape ",
          out.shape());
    int64_t last = -1;
    for (int64_t i = 0; i < n; ++i) {
      // Increasing in lexicographic order is the same as increasing as offsets.
      const int64_t at = slice_number(indices, i, depth, out.shape());
      if (validate_ && at <= last) [[unlikely]]
        invalid_argument("indices[", i, "] = ", index_text(indices, i, depth),
                         at == last ? " is repeated" : " is out of order",
                         "; use tf.sparse_reorder or validate_indices=False");
      last = at;
    }
    fill_run(out.dtype(), c.input(3).raw(), out.raw(), out.num_elements());
    for (int64_t i = 0; i < n; ++i)
      copy_run(out.dtype(), element(values, values.rank() == 0 ? 0 : i),
               element(out, slice_number(indices, i, depth, out.shape())), 1);
  }

 private:
  bool validate_;
};

}  // namespace

void register_scatter_nd(Registry& r) {
  r.op("ScatterNd")
      .input("indices: Tindices")
      .input("updates: T")
      .input("shape: Tindices")
      .output("output: T")
      .attr("T: type")
      .attr("Tindices: {int32, int64}")
      .shape(scatter_nd_shape)
      .host_input(2);
  r.kernels<ScatterNd>("ScatterNd", DeviceKind::kCPU, NumberTypes{});

  r.op("SparseToDense")
      .input("sparse_indices: Tindices")
      .input("output_shape: Tindices")
      .input("sparse_values: T")
      .input("default_value: T")
      .output("dense: T")
      .attr("validate_indices: bool = true")
      .attr("T: type")
      .attr("Tindices: {int32, int64}")
      .shape(sparse_to_dense_shape)
      .host_input(1);
  r.kernel<SparseToDense>("SparseToDense", DeviceKind::kCPU, DType::kInvalid);
}

}  // namespace tfmini
