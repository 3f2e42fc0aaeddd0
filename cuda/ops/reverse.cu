// ReverseSequence, in units of up to 16 bytes. Lengths that no sequence can have are taken for the nearest that it can:
// nobody looks at them on the host.
#include "ops/reverse.h"

#include "core/bits.cuh"
#include "core/elements.h"
#include "core/launch.cuh"
#include "core/registry.h"
#include "core/stream.h"
#include "core/vec.cuh"

namespace tfmini::cuda {
namespace {

template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    reverse_sequences(const T* x, const I* lengths, T* out, ReversedSequences at, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  const int64_t r = i / at.inner, o = r / at.second, j = r % at.second, place = at.place(o), steps = at.steps();
  const int64_t length = static_cast<int64_t>(lengths[at.sequence(place, j)]);
  out[i] = x[at.source(o, place, j, length < steps ? length : steps) * at.inner + i % at.inner];
}

class ReverseSequence {
 public:
  explicit ReverseSequence(const Attrs& attrs)
      : batch_(static_cast<int>(attrs.integer("batch_dim"))), seq_(static_cast<int>(attrs.integer("seq_dim"))) {}
  void operator()(KernelContext& c) const {
    const Tensor& x = c.input(0);
    if (x.num_elements() == 0) return;
    ReversedSequences at(x.shape(), batch_, seq_);
    const size_t size = dtype_size(x.dtype()), row = static_cast<size_t>(at.inner) * size;
    const size_t bytes = widest_unit(size, row, x.raw(), c.output(0).raw());
    at.inner = static_cast<int64_t>(row / bytes);
    const int64_t n = at.runs() * at.inner;
    with_index(c.input(1).dtype(), [&]<class I>(std::type_identity<I>) {
      if constexpr (sizeof(I) >= 4)
        with_unit(bytes, [&]<class T>(std::type_identity<T>) {
          launch(&reverse_sequences<T, I>, blocks_for(n), kThreads, 0, stream(c), x.data<T>(), c.in<I>(1), c.out<T>(0),
                 at, n);
        });
    });
  }

 private:
  int batch_, seq_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_reverse_cuda(Registry& r) {
  r.kernel<cuda::ReverseSequence>("ReverseSequence", DeviceKind::kCUDA, DType::kInvalid);
}

}  // namespace tfmini
