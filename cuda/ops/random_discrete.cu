// Multinomial: a block per row adds up the classes' weights, then a thread per sample looks for its class. The numbers
// are the CPU's; a sample that falls on the border of two classes may go to the other one.
#include "core/elements.h"
#include "core/launch.cuh"
#include "core/reduce.cuh"
#include "core/registry.h"
#include "core/scan.cuh"
#include "core/stream.h"
#include "ops/random.h"

namespace tfmini::cuda {
namespace {

// Running sums of exp(logit - max); classes whose logit is not finite have no weight.
template <class T>
__global__ void __launch_bounds__(kThreads) add_weights(const T* logits, double* sums, int64_t classes) {
  const T* row = logits + blockIdx.x * classes;
  double largest = std::numeric_limits<double>::lowest();
  const auto weighs = [](double x) { return x - x == 0.0; };
  for (int64_t j = threadIdx.x; j < classes; j += kThreads)
    if (const double x = static_cast<double>(widen(row[j])); weighs(x) && x > largest) largest = x;
  largest = block_reduce<Reduction::kMax>(largest);
  double carry = 0.0;
  for (int64_t begin = 0; begin < classes; begin += kThreads) {
    const int64_t j = begin + threadIdx.x;
    const double x = j < classes ? static_cast<double>(widen(row[j])) : 0.0;
    double before, all;
    const double sum = block_scan(j < classes && weighs(x) ? TFMINI_LIBM(exp)(x - largest) : 0.0, false, before, all);
    if (j < classes) sums[blockIdx.x * classes + j] = carry + sum;
    carry += all;
  }
}

template <class Index>
__global__ void __launch_bounds__(kThreads)
    find_classes(const double* sums, Philox generator, Index* out, int64_t classes, int64_t samples, int64_t n) {
  const int64_t i = thread_index();
  if (i >= n) return;
  PhiloxStream random(generator);
  random.skip(static_cast<uint64_t>(2 * i));
  const double* row = sums + i / samples * classes;
  const double wanted = random.next_double() * row[classes - 1];
  int64_t low = 0, high = classes;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (row[middle] > wanted)
      high = middle;
    else
      low = middle + 1;
  }
  out[i] = static_cast<Index>(low);
}

template <class T>
class Multinomial {
 public:
  explicit Multinomial(const Attrs& attrs) : seeds_(attrs) {}
  void operator()(KernelContext& c) const {
    const int64_t batch = c.input(0).dim(0), classes = c.input(0).dim(1), samples = c.output(0).dim(1);
    const int64_t n = batch * samples;
    if (n == 0) return;
    const Philox generator = seeds_.state(c).reserve_outputs(multinomial_outputs(batch, samples));
    Tensor sums = c.scratch(DType::kDouble, Shape{batch, classes});
    launch(&add_weights<T>, dim3(static_cast<unsigned>(batch)), kThreads, 0, stream(c), c.in<T>(0), sums.data<double>(),
           classes);
    with_index(c.output_dtype(0), [&]<class I>(std::type_identity<I>) {
      if constexpr (sizeof(I) >= 4)
        launch(&find_classes<I>, blocks_for(n), kThreads, 0, stream(c), sums.data<double>(), generator, c.out<I>(0),
               classes, samples, n);
    });
  }

 private:
  Seeds seeds_;
};

}  // namespace
}  // namespace tfmini::cuda

namespace tfmini {

void register_random_discrete_cuda(Registry& r) {
  r.kernels<cuda::Multinomial>("Multinomial", DeviceKind::kCUDA, FloatTypes{});
}

}  // namespace tfmini
