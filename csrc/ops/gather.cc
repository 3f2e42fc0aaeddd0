// Gather, GatherV2 (any axis, batch_dims) and GatherNd.
#include <atomic>

#include "core/elements.h"
#include "core/infer.h"
#include "core/parallel.h"
#include "core/registry.h"
#include "ops/rows.h"
#include "ops/strided_copy.h"

namespace tfmini {
namespace {

void gather_shape(InferContext& c) {
  const Shape& params = c.with_rank_at_least(0, 1);
  c.set_output(0, params.known_rank() ? concatenate(c.input(1), subshape(params, 1, params.rank())) : Shape::unknown());
}

void gather_v2_shape(InferContext& c) {
  const Shape &params = c.with_rank_at_least(0, 1), &indices = c.input(1);
  c.with_rank(2, 0);
  const auto axis_value = constant_int(c, 2);
  int64_t batch = c.attrs().integer("batch_dims");
  if (!params.known_rank() || !indices.known_rank()) return c.set_output(0, Shape::unknown());
  if (batch != 0) {
    check(batch >= -indices.rank() && batch <= indices.rank(), "batch_dims = ", batch,
          " is out of range for indices of shape ", indices);
    if (batch < 0) batch += indices.rank();
    check(batch < params.rank(), "batch_dims = ", batch, " must be less than the rank of params of shape ", params);
  }
  const int b = static_cast<int>(batch);
  if (!axis_value) return c.set_output(0, Shape::unknown_of_rank(params.rank() + indices.rank() - 1 - b));
  const int axis = normalize_axis(*axis_value, params.rank());
  check(axis >= b, "axis = ", axis, " must be at least batch_dims = ", b);
  Shape out;
  for (int i = 0; i < b; ++i) out.add_dim(merge_dims(params[i], indices[i], "batch dimensions of params and indices"));
  out = concatenate(out, subshape(params, b, axis));
  out = concatenate(out, subshape(indices, b, indices.rank()));
  c.set_output(0, concatenate(out, subshape(params, axis + 1, params.rank())));
}

// The lowest position of a bad index, so that the message does not depend on the thread count.
class FirstBad {
 public:
  void report(int64_t position) {
    int64_t seen = first_.load(std::memory_order_relaxed);
    while (position < seen && !first_.compare_exchange_weak(seen, position, std::memory_order_relaxed)) {
    }
  }
  bool any() const { return position() != INT64_MAX; }
  int64_t position() const { return first_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> first_{INT64_MAX};
};

// params [batch, outer, size, inner], indices [batch, count] -> out [batch, outer, count, inner].
template <class T, class I>
void gather_rows(const T* params, const I* indices, T* out, int64_t batch, int64_t outer, int64_t size, int64_t count,
                 int64_t inner, FirstBad& bad) {
  const int64_t rows = batch * outer * count;
  parallel_for(rows, grain_for_bytes(2 * inner * sizeof(T) + sizeof(I)), [&](int64_t begin, int64_t end) {
    int64_t k = begin % count, plane = begin / count;  // plane = b * outer + o
    for (int64_t r = begin; r < end; ++r) {
      const int64_t at = plane / outer * count + k;
      if (k + kPrefetchDistance < count) {
        const auto soon = static_cast<uint64_t>(indices[at + kPrefetchDistance]);
        if (soon < static_cast<uint64_t>(size))
          prefetch_row<0>(params + (plane * size + static_cast<int64_t>(soon)) * inner);
      }
      const int64_t index = static_cast<int64_t>(indices[at]);
      if (static_cast<uint64_t>(index) >= static_cast<uint64_t>(size)) [[unlikely]]
        bad.report(at);
      else
        std::copy_n(params + (plane * size + index) * inner, inner, out + r * inner);
      if (++k == count) {
        k = 0;
        ++plane;
      }
    }
  });
}

void gather(KernelContext& c, int axis, int batch_dims) {
  const Tensor &params = c.input(0), &indices = c.input(1);
  const int64_t batch = params.shape().product(0, batch_dims);
  const int64_t outer = params.shape().product(batch_dims, axis);
  const int64_t inner = params.shape().product(axis + 1, params.rank());
  const int64_t size = params.dim(axis);
  const int64_t count = indices.shape().product(batch_dims, indices.rank());
  if (c.output(0).num_elements() == 0) return;
  FirstBad bad;
  with_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
    with_element(params.dtype(), [&]<class T>(std::type_identity<T>) {
      gather_rows(params.data<T>(), indices.data<I>(), c.out<T>(0), batch, outer, size, count, inner, bad);
    });
  });
  if (bad.any())
    invalid_argument("indices", indices.rank() ? "[" + std::to_string(bad.position()) + "]" : "", " = ",
                     indices.int_at(bad.position()), " is not in [0, ", size, ")");
}

void gather_kernel(KernelContext& c) { gather(c, 0, 0); }

class GatherV2 {
 public:
  explicit GatherV2(const Attrs& attrs) : batch_dims_(attrs.integer("batch_dims")) {}
  void operator()(KernelContext& c) const {
    const int64_t batch = batch_dims_ < 0 ? batch_dims_ + c.input(1).rank() : batch_dims_;
    gather(c, normalize_axis(c.input(2).int_at(0), c.input(0).rank()), static_cast<int>(batch));
  }

 private:
  int64_t batch_dims_;
};

void gather_nd_shape(InferContext& c) {
  const Shape &params = c.input(0), &indices = c.with_rank_at_least(1, 1);
  if (!params.known_rank() || !indices.known_rank() || indices.dim(-1) < 0) return c.set_output(0, Shape::unknown());
  const int64_t depth = indices.dim(-1);
  check(depth <= params.rank(), "the last dimension of indices is ", depth, ", but params has only ", params.rank(),
        " dimensions");
  c.set_output(0, concatenate(subshape(indices, 0, indices.rank() - 1),
                              subshape(params, static_cast<int>(depth), params.rank())));
}

void gather_nd_kernel(KernelContext& c) {
  const Tensor &params = c.input(0), &indices = c.input(1);
  const int depth = static_cast<int>(indices.dim(-1));
  const int64_t rows = indices.shape().product(0, indices.rank() - 1);
  const int64_t inner = params.shape().product(depth, params.rank());
  const auto strides = row_major_strides(params.shape());
  FirstBad bad;
  with_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
    with_element(params.dtype(), [&]<class T>(std::type_identity<T>) {
      const I* index = indices.data<I>();
      const T* from = params.data<T>();
      T* to = c.out<T>(0);
      parallel_for(rows, grain_for_bytes(2 * inner * sizeof(T) + depth * sizeof(I)), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          int64_t offset = 0;
          bool ok = true;
          for (int d = 0; d < depth; ++d) {
            const int64_t i = static_cast<int64_t>(index[r * depth + d]);
            ok &= static_cast<uint64_t>(i) < static_cast<uint64_t>(params.dim(d));
            offset += i * strides[d];
          }
          if (!ok) [[unlikely]]
            bad.report(r);
          else
            std::copy_n(from + offset, inner, to + r * inner);
        }
      });
    });
  });
  if (bad.any()) {
    std::string text;
    for (int d = 0; d < depth; ++d)
      text += (d ? ", " : "") + std::to_string(indices.int_at(bad.position() * depth + d));
    invalid_argument("indices[", bad.position(), "] = [", text, "] does not index into params of shape ",
                     params.shape());
  }
}

}  // namespace

void register_gather(Registry& r) {
  r.op("Gather")
      .input("params: Tparams")
      .input("indices: Tindices")
      .output("output: Tparams")
      .attr("validate_indices: bool = true")
      .attr("Tparams: type")
      .attr("Tindices: {int32, int64}")
      .shape(gather_shape);
  r.kernel("Gather", DeviceKind::kCPU, DType::kInvalid, gather_kernel);

  r.op("GatherV2")
      .input("params: Tparams")
      .input("indices: Tindices")
      .input("axis: Taxis")
      .output("output: Tparams")
      .attr("batch_dims: int = 0")
      .attr("Tparams: type")
      .attr("Tindices: {int32, int64}")
      .attr("Taxis: {int32, int64}")
      .shape(gather_v2_shape)
      .host_input(2);
  r.kernel<GatherV2>("GatherV2", DeviceKind::kCPU, DType::kInvalid);

  r.op("GatherNd")
      .input("params: Tparams")
      .input("indices: Tindices")
      .output("output: Tparams")
      .attr("Tparams: type")
      .attr("Tindices: {int32, int64}")
      .shape(gather_nd_shape);
  r.kernel("GatherNd", DeviceKind::kCPU, DType::kInvalid, gather_nd_kernel);
}

}  // namespace tfmini
