// The simulator itself (TFMINI_CUDA=sim): barriers, warps, streams, captures, and that mistakes show.
#include "check.h"

#if defined(TFMINI_CUDA_SIM)
#include <cuda_runtime.h>

#include <cmath>
#include <vector>

#include "core/grid.cuh"
#include "core/hopper.cuh"

// The threads of a launch that is trapped stop where they are, and keep what they own.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() { return "detect_leaks=0"; }

namespace {

using tfmini::cuda::launch;

constexpr int kThreads = 100;  // no multiple of a warp

template <bool barrier>
__global__ void reverse(const float* x, float* y, int n) {
  __shared__ float block[256];
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  block[threadIdx.x] = i < n ? x[i] : 0;
  if constexpr (barrier) __syncthreads();
  if (i < n) y[i] = block[blockDim.x - 1 - threadIdx.x];
}

__global__ void warp_sums(const int* x, int* sums, unsigned* ballots) {
  const unsigned mask = threadIdx.x < 96 ? ~0u : 0xfu;
  int v = x[threadIdx.x];
  for (int step = 16; step > 0; step /= 2) {
    const int other = __shfl_xor_sync(mask, v, step);
    if (threadIdx.x < 96) v += other;
  }
  sums[threadIdx.x] = v;
  ballots[threadIdx.x] = __ballot_sync(mask, threadIdx.x % 3 == 0);
}

__global__ void dynamic(int* out) {
  int* shared = tfmini::cuda::dynamic_shared<int>();
  out[threadIdx.x] = shared[threadIdx.x];  // poison: nobody has written it
}

__global__ void half_barrier() {
  if (threadIdx.x < 8) __syncwarp();
}

__global__ void increment(int* x) { atomicAdd(x, 1); }

// A warpgroup multiplies what its threads have copied to shared memory; the fence is between the proxies.
template <bool fence>
__global__ void multiply_copied(const uint4* x, float* y) {
  using namespace tfmini::cuda;
  const SharedAddress a = shared_address(dynamic_shared<char>()), b = a + 64 * 128;
  CopyGroups copies;
  for (unsigned i = threadIdx.x; i < (64 + 128) * 128 / 16; i += 128) copies.copy<16>(a + 16 * i, x, x);
  copies.commit();
  copies.wait<0>();
  if constexpr (fence) fence_async();
  __syncthreads();
  WarpgroupMma<128> mma;
  float sums[64] = {};
  mma.begin();
  mma.multiply<tfmini::BFloat16, true, true>(sums, matrix_descriptor(a, 16, 1024), matrix_descriptor(b, 16, 1024));
  mma.commit();
  mma.wait<0>();
  y[threadIdx.x] = sums[0];
}

// Every block adds one in turn, and sees what the others have added before.
__global__ void count_together(int* x, unsigned* arrived, int* seen) {
  for (unsigned turn = 0; turn < gridDim.x; ++turn) {
    if (turn == blockIdx.x && threadIdx.x == 0) ++*x;
    tfmini::cuda::grid_barrier(arrived, 2 * turn + 1);
    if (threadIdx.x == 0) seen[blockIdx.x * gridDim.x + turn] = *x;
    tfmini::cuda::grid_barrier(arrived, 2 * turn + 2);
  }
}

template <class T>
T* to_device(const std::vector<T>& host) {
  T* p = nullptr;
  CHECK(cudaMalloc(&p, host.size() * sizeof(T)) == cudaSuccess);
  CHECK(cudaMemcpy(p, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice) == cudaSuccess);
  return p;
}
template <class T>
std::vector<T> to_host(const T* p, size_t n) {
  std::vector<T> host(n);
  CHECK(cudaMemcpy(host.data(), p, n * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
  return host;
}

void barriers() {
  const int n = kThreads * 7 - 3;
  std::vector<float> x(n);
  for (int i = 0; i < n; ++i) x[i] = static_cast<float>(i + 1);
  float *dx = to_device(x), *dy = to_device(x);
  auto wrong = [&](auto kernel) {
    launch(kernel, (n + kThreads - 1) / kThreads, kThreads, 0, nullptr, dx, dy, n);
    const std::vector<float> y = to_host(dy, n);
    int count = 0;
    for (int i = 0; i < n; ++i) {
      const int from = i / kThreads * kThreads + kThreads - 1 - i % kThreads;
      count += y[i] != (from < n ? x[from] : 0);
    }
    return count;
  };
  CHECK(wrong(&reverse<true>) == 0);
  CHECK(wrong(&reverse<false>) > n / 10);
  cudaFree(dx);
  cudaFree(dy);
}

void warps() {
  std::vector<int> x(kThreads);
  for (int i = 0; i < kThreads; ++i) x[i] = i;
  int *dx = to_device(x), *sums = to_device(x);
  unsigned* ballots = to_device(std::vector<unsigned>(kThreads));
  launch(&warp_sums, 1, kThreads, 0, nullptr, dx, sums, ballots);
  const std::vector<int> got = to_host(sums, kThreads);
  const std::vector<unsigned> bits = to_host(ballots, kThreads);
  for (int i = 0; i < 96; ++i) CHECK(got[i] == i / 32 * 1024 + 496);
  CHECK(bits[0] == 0x49249249u && bits[97] == 0x9u);
  launch(&dynamic, 1, 8, 64, nullptr, dx);
  CHECK(to_host(dx, 1)[0] == -1);
  launch(&half_barrier, 1, 32, 0, nullptr);  // those that have left are not waited for
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  for (void* p : {(void*)dx, (void*)sums, (void*)ballots}) cudaFree(p);
}

void streams() {
  cudaStream_t a, b;
  cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking);
  cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking);
  int *x = to_device(std::vector<int>{0}), *pinned = nullptr;
  cudaMallocHost(&pinned, sizeof(int));
  *pinned = -7;
  launch(&increment, 1, 5, 0, a, x);
  cudaEvent_t event;
  cudaEventCreate(&event);
  cudaEventRecord(event, a);
  cudaStreamWaitEvent(b, event);
  cudaMemcpyAsync(pinned, x, sizeof(int), cudaMemcpyDeviceToHost, b);
  CHECK(*pinned == -7);  // nobody has waited
  cudaStreamSynchronize(b);
  CHECK(*pinned == 5);

  cudaGraph_t graph;
  cudaGraphExec_t exec;
  CHECK(cudaStreamBeginCapture(a, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  launch(&increment, 1, 2, 0, a, x);
  cudaEventRecord(event, a);
  cudaStreamWaitEvent(b, event);
  launch(&increment, 1, 1, 0, b, x);
  cudaEventRecord(event, b);
  cudaStreamWaitEvent(a, event);
  CHECK(cudaStreamEndCapture(a, &graph) == cudaSuccess);
  cudaGraphInstantiate(&exec, graph);
  for (int i = 0; i < 3; ++i) cudaGraphLaunch(exec, a);
  CHECK(to_host(x, 1)[0] == 14);
  cudaGraphExecDestroy(exec);
  cudaGraphDestroy(graph);

  CHECK(cudaStreamBeginCapture(a, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(cudaStreamSynchronize(a) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(a, &graph) == cudaErrorStreamCaptureInvalidated);
  cudaFree(x);
  cudaFreeHost(pinned);
  cudaEventDestroy(event);
  cudaStreamDestroy(a);
  cudaStreamDestroy(b);
}

void proxies() {
  uint4* x = to_device(std::vector<uint4>{{0x3f803f80u, 0x3f803f80u, 0x3f803f80u, 0x3f803f80u}});  // ones
  float* y = to_device(std::vector<float>(128));
  launch(&multiply_copied<true>, 1, 128, 192 * 128, nullptr, x, y);
  CHECK(to_host(y, 128)[77] == 16);
  launch(&multiply_copied<false>, 1, 128, 192 * 128, nullptr, x, y);
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  cudaFree(x);
  cudaFree(y);
}

void gangs() {
  int *x = to_device(std::vector<int>(1)), *seen = to_device(std::vector<int>(9));
  unsigned* arrived = to_device(std::vector<unsigned>(1));
  tfmini::cuda::launch_together(&count_together, 3, 40, 0, nullptr, x, arrived, seen);
  CHECK(to_host(seen, 9) == (std::vector<int>{1, 2, 3, 1, 2, 3, 1, 2, 3}));
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute attribute = {};
  config.attrs = &attribute;
  config.numAttrs = 1;
  config.blockDim = 1024;
  attribute.id = cudaLaunchAttributeCooperative;
  attribute.val.cooperative = 1;
  config.gridDim = 7;  // two blocks on each of three multiprocessors
  CHECK(cudaLaunchKernelEx(&config, &increment, x) == cudaErrorInvalidConfiguration);
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {2, 1, 1};
  CHECK(cudaLaunchKernelEx(&config, &increment, x) == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() != cudaSuccess);
  for (void* p : {(void*)x, (void*)seen, (void*)arrived}) cudaFree(p);
}

void mistakes() {
  int host = 0, *x = to_device(std::vector<int>{1, 2});
  CHECK(cudaMemcpy(x, &host, sizeof(int), cudaMemcpyDeviceToHost) == cudaErrorInvalidMemcpyDirection);
  CHECK(cudaMemcpy(x, &host, 3 * sizeof(int), cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  cudaLaunchConfig_t config = {};
  config.gridDim = 0;
  CHECK(cudaLaunchKernelEx(&config, &increment, x) == cudaErrorInvalidConfiguration);
  config.gridDim = 1;
  CHECK(cudaLaunchKernelEx(&config, &increment, &host) == cudaErrorInvalidDevicePointer);
  config.dynamicSmemBytes = 50 << 10;
  CHECK(cudaLaunchKernelEx(&config, &dynamic, x) == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(&dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 50 << 10) == cudaSuccess);
  CHECK(cudaLaunchKernelEx(&config, &dynamic, x) == cudaSuccess);
  size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  void* p = nullptr;
  CHECK(cudaMallocAsync(&p, total, nullptr) == cudaErrorMemoryAllocation);
  cudaFree(x);
  CHECK(cudaGetLastError() != cudaSuccess && cudaGetLastError() == cudaSuccess);
}

}  // namespace

int main() {
  barriers();
  warps();
  streams();
  proxies();
  gangs();
  mistakes();
}
#else
int main() {}
#endif
