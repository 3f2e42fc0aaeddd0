// Gather, GatherV2 and GatherNd: rows of up to 16 bytes per thread. An index out of range gives zeros, as TensorFlow's
// GPU kernel does: nobody looks at it on the host.
#include "core/bits.cuh"
#include "core/elements.h"
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

struct Geometry {
  int64_t outer, size, count, inner;  // params [batch, outer, size, inner], indices [batch, count]
};

template <class T, class I>
__global__ void __launch_bounds__(kThreads) gather(const T* params, const I* indices, T* out, Geometry g, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const int64_t row = i / g.inner, plane = row / g.count;  // plane = batch * outer + o
  const int64_t index = static_cast<int64_t>(indices[plane / g.outer * g.count + row % g.count]);
  const bool valid = static_cast<uint64_t>(index) < static_cast<uint64_t>(g.size);
  out[i] = valid ? params[(plane * g.size + index) * g.inner + i % g.inner] : T{};
}

void run(KernelContext& c, int axis, int batch_dims) {
  const Tensor &params = c.input(0), &indices = c.input(1);
  Tensor& out = c.output(0);
  if (out.num_elements() == 0) return;
  Geometry g{params.shape().product(batch_dims, axis), params.dim(axis),
             indices.shape().product(batch_dims, indices.rank()), params.shape().product(axis + 1, params.rank())};
  const size_t size = dtype_size(params.dtype()), row = static_cast<size_t>(g.inner) * size;
  const size_t bytes = widest_unit(size, row, params.raw(), out.raw());
  g.inner = static_cast<int64_t>(row / bytes);
  const int64_t n = static_cast<int64_t>(out.bytes() / bytes);
  with_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
    if constexpr (sizeof(I) >= 4)
      with_unit(bytes, [&]<class T>(std::type_identity<T>) {
        launch(&gather<T, I>, blocks_for(n), kThreads, 0, stream(c), params.data<T>(), indices.data<I>(), c.out<T>(0),
               g, n);
      });
  });
}

class GatherV2 {
 public:
  explicit GatherV2(const Attrs& attrs) : batch_dims_(attrs.integer("batch_dims")) {}
  void operator()(KernelContext& c) const {
    const int64_t batch = batch_dims_ < 0 ? batch_dims_ + c.input(1).rank() : batch_dims_;
    run(c, normalize_axis(c.input(2).int_at(0), c.input(0).rank()), static_cast<int>(batch));
  }

 private:
  int64_t batch_dims_;
};

struct Vectors {
  int64_t sizes[Shape::kMaxRank], strides[Shape::kMaxRank];
  int depth;
};

template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    gather_nd(const T* params, const I* indices, T* out, const __grid_constant__ Vectors vectors, int64_t inner,
              int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const I* index = indices + i / inner * vectors.depth;
  int64_t from = i % inner;
  bool valid = true;
  for (int d = 0; d < vectors.depth; ++d) {
    const int64_t at = static_cast<int64_t>(index[d]);
    valid &= static_cast<uint64_t>(at) < static_cast<uint64_t>(vectors.sizes[d]);
    from += at * vectors.strides[d];
  }
  out[i] = valid ? params[from] : T{};
}

void gather_nd_kernel(KernelContext& c) {
  const Tensor &params = c.input(0), &indices = c.input(1);
  const int64_t n = c.output(0).num_elements();
  if (n == 0) return;
  Vectors vectors{};
  for (int d = 0; d < indices.dim(-1); ++d) {
    vectors.sizes[d] = params.dim(d);
    vectors.strides[d] = params.shape().product(d + 1, params.rank());
    ++vectors.depth;
  }
  const int64_t inner = params.shape().product(vectors.depth, params.rank());
  with_index(indices.dtype(), [&]<class I>(std::type_identity<I>) {
    with_element(params.dtype(), [&]<class T>(std::type_identity<T>) {
      if constexpr (std::is_unsigned_v<T>)
        launch(&gather_nd<T, I>, blocks_for(n), kThreads, 0, stream(c), params.data<T>(), indices.data<I>(),
               c.out<T>(0), vectors, inner, n);
    });
  });
}

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_gather_cuda(Registry& r) {
  r.kernel("Gather", DeviceKind::kCUDA, DType::kInvalid, +[](KernelContext& c) { cuda::run(c, 0, 0); });
  r.kernel<cuda::GatherV2>("GatherV2", DeviceKind::kCUDA, DType::kInvalid);
  r.kernel("GatherNd", DeviceKind::kCUDA, DType::kInvalid, cuda::gather_nd_kernel);
}

}  // namespace tfmini
