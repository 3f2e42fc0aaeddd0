// Positions in inputs that are broadcast (core/broadcast.h), and, in the simulator, packs loaded from them.
#include "core/broadcast.h"

#include <vector>

#include "check.h"
#if defined(TFMINI_CUDA_SIM)
#include "core/device.cuh"
#include "core/devices.h"
#include "core/elementwise.cuh"
#include "device_array.h"
#endif

namespace {

using tfmini::BroadcastInput;
using tfmini::Shape;

struct Row {
  Shape in, out;
};
const Row kRows[] = {
    {{3, 5}, {3, 5}},
    {{5}, {3, 5}},
    {{3, 1}, {3, 5}},
    {{1}, {7}},
    {{}, {2, 3}},
    {{2, 1, 3}, {2, 4, 3}},
    {{1, 4, 1}, {2, 4, 3}},
    {{2, 1, 3, 1}, {2, 2, 3, 17}},
    {{7, 1}, {7, 1}},
    {{1, 1, 40}, {3, 2, 40}},
    {{2, 1, 2, 1, 2}, {2, 3, 2, 3, 2}},
};

// The definition: coordinates of the output element, of which the input has some.
int64_t position(const Row& row, int64_t element) {
  int64_t at = 0, stride = 1;
  for (int i = row.out.rank() - 1, k = row.in.rank() - 1; k >= 0; --i, --k) {
    at += row.in[k] == 1 ? 0 : element % row.out[i] * stride;
    stride *= row.in[k];
    element /= row.out[i];
  }
  return at;
}

void test_walks() {
  for (const Row& row : kRows) {
    const BroadcastInput input(row.in, row.out, 4);
    const int64_t n = row.out.num_elements();
    for (int64_t i = 0; i < n; ++i) {
      CHECK(input.index(i) == position(row, i));
      const BroadcastInput::Walk walk = input.walk_from(i);
      CHECK(walk.run >= 1);
      for (int64_t k = 0; k < walk.run && i + k < n; ++k) CHECK(walk.at + k * walk.step == position(row, i + k));
    }
  }
}

#if defined(TFMINI_CUDA_SIM)
using tfmini::cuda::Operand;

template <int N>
__global__ void load_packs(const __grid_constant__ Operand operand, float* out, int64_t n) {
  const int64_t begin = tfmini::cuda::thread_index() * N;
  if (begin >= n) return;
  float pack[N];
  operand.load<N>(begin, n - begin, pack);
  tfmini::cuda::store_pack<N>(out + begin, n - begin, false, pack);
}

template <int N>
void test_packs() {
  tfmini::Device& device = tfmini::cuda::device(0);
  for (const Row& row : kRows) {
    const int64_t n = row.out.num_elements();
    std::vector<float> values(static_cast<size_t>(row.in.num_elements())), none(static_cast<size_t>(n), -1.0f);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    const tfmini::cuda::DeviceArray<float> in(device, values), out(device, none);
    const Operand operand{in.data(), Operand::Way::kBroadcast, false, BroadcastInput(row.in, row.out, sizeof(float))};
    tfmini::cuda::launch(&load_packs<N>, dim3(static_cast<unsigned>((n + N - 1) / N)), 1, 0,
                         tfmini::cuda::stream(device), operand, out.data(), n);
    const std::vector<float> got = out.get();
    for (int64_t i = 0; i < n; ++i) CHECK(got[static_cast<size_t>(i)] == static_cast<float>(position(row, i)));
  }
}
#endif

}  // namespace

int main() {
  test_walks();
#if defined(TFMINI_CUDA_SIM)
  test_packs<1>();
  test_packs<4>();
  test_packs<16>();
#endif
  std::puts("ok");
}
