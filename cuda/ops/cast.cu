// Conversion between element types: a kernel per source type, which tells the target types apart as it runs.
#include "simd/cast_one.h"

#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

constexpr int kPack = 4;

// Calls fn(std::type_identity<T>) for one of the types.
template <class Fn, class... Ts>
__host__ __device__ void with_type(DType dtype, TypeList<Ts...>, const Fn& fn) {
  ((dtype_of<Ts> == dtype ? fn(std::type_identity<Ts>{}) : void()), ...);
}

template <class From>
__global__ void __launch_bounds__(kThreads) cast(const From* x, void* y, DType to, int64_t n, bool aligned) {
  const int64_t begin = thread_index() * kPack, left = n - begin;
  if (left <= 0) return;
  From in[kPack] = {};
  load_pack<kPack>(x + begin, left, aligned, in);
  with_type(to, PodTypes{}, [&]<class To>(std::type_identity<To>) {
    To out[kPack];
#pragma unroll
    for (int i = 0; i < kPack; ++i) out[i] = narrow<To>(simd::cast_one<ComputeType<To>>(widen(in[i])));
    store_pack<kPack>(static_cast<To*>(y) + begin, left, aligned, out);
  });
}

class Cast {
 public:
  explicit Cast(const Attrs& attrs) : from_(attrs.dtype("SrcT")), to_(attrs.dtype("DstT")) {}
  void operator()(KernelContext& c) const {
    const Tensor& in = c.input(0);
    void* y = c.output(0).raw();
    const int64_t n = in.num_elements();
    if (n == 0) return;
    // Where the output lies over a wider or narrower input, threads would write what others have yet to read.
    Tensor copy = in;
    if (in.raw() == y && dtype_size(from_) != dtype_size(to_)) {
      copy = c.scratch(from_, in.shape());
      check_cuda(cudaMemcpyAsync(copy.raw(), in.raw(), in.bytes(), cudaMemcpyDeviceToDevice, stream(c)),
                 "copying a tensor");
    }
    const bool aligned = reinterpret_cast<uintptr_t>(y) % (kPack * dtype_size(to_)) == 0 &&
                         reinterpret_cast<uintptr_t>(copy.raw()) % (kPack * dtype_size(from_)) == 0;
    bool known = false;
    with_type(from_, PodTypes{}, [&]<class From>(std::type_identity<From>) {
      known = true;
      launch(&cast<From>, blocks_for((n + kPack - 1) / kPack), kThreads, 0, stream(c), copy.data<From>(), y, to_, n,
             aligned);
    });
    if (!known) fail(Code::kUnimplemented, "cast from ", dtype_name(from_), " is not supported on GPUs");
  }

 private:
  DType from_, to_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_cast_cuda(Registry& r) { r.kernel<cuda::Cast>("Cast", DeviceKind::kCUDA, DType::kInvalid); }

}  // namespace tfmini
