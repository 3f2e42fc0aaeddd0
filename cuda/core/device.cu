// CUDA devices behind the Device interface.
#include "core/device.cuh"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "core/allocator.cuh"
#include "core/devices.h"
#include "core/error.h"
#include "core/staging.cuh"
#include "core/stream.h"

namespace tfmini::cuda {

void check_cuda(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // clears it: the next call must not report this one again
  const Code code = error == cudaErrorMemoryAllocation ? Code::kResourceExhausted : Code::kInternal;
  fail(code, what, ": ", cudaGetErrorString(error));
}

void ask_for_shared(const void* kernel, size_t bytes) {
  static std::mutex mutex;
  static auto* granted = new std::map<std::pair<int, const void*>, size_t>;
  int device = 0;
  check_cuda(cudaGetDevice(&device), "asking for the current device");
  std::lock_guard lock(mutex);
  size_t& most = (*granted)[{device, kernel}];
  if (bytes <= most) return;
  check_cuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
             "asking for shared memory");
  most = bytes;
}

namespace {

// What the calling thread is recording; one device at a time.
struct Capture {
  Device* device = nullptr;
  cudaStream_t stream = nullptr;
  std::shared_ptr<GraphMemory> memory;
};
thread_local Capture capture;

class CudaGraph final : public Recording {
 public:
  CudaGraph(Device& device, cudaGraphExec_t exec, std::shared_ptr<GraphMemory> memory)
      : device_(device), exec_(exec), memory_(std::move(memory)) {}
  ~CudaGraph() override { cudaGraphExecDestroy(exec_); }
  void replay() override { check_cuda(cudaGraphLaunch(exec_, stream(device_)), "launching a graph"); }

 private:
  Device& device_;
  cudaGraphExec_t exec_;
  std::shared_ptr<GraphMemory> memory_;
};

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(int index) : Device(DeviceKind::kCUDA, index), staging_(index) {
    use();
    check_cuda(cudaGetDeviceProperties(&properties_, index), "reading the device's properties");
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
    allocator_ = std::make_unique<Allocator>(index, stream_, name());
  }

  const cudaDeviceProp& properties() const { return properties_; }
  cudaStream_t current_stream() {
    use();
    return capture.device == this ? capture.stream : stream_;
  }

  BufferRef allocate(size_t bytes) override {
    return allocator_->allocate(bytes, capture.device == this ? capture.memory : nullptr);
  }
  BufferRef allocate_host(size_t bytes) override {
    use();
    return pinned_.allocate(bytes);
  }
  void require(size_t) override {}  // nothing on this device is allocated elsewhere

  void copy_from_host(void* dst, const void* src, size_t bytes) override {
    use();
    refuse_while_recording();
    staging_.copy(dst, src, bytes, stream_);
  }
  void copy_to_host(void* dst, const void* src, size_t bytes) override {
    use();
    refuse_while_recording();
    check_cuda(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, stream_), "copying from the device");
  }
  void copy(void* dst, const void* src, size_t bytes) override {
    check_cuda(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToDevice, current_stream()), "copying on the device");
  }
  // Each device waits for the other: this one for the data, the other before it reuses their memory.
  void copy_from_peer(void* dst, Device& from, const void* src, size_t bytes) override {
    if (from.kind() == DeviceKind::kCPU) return copy_from_host(dst, src, bytes);
    auto& peer = static_cast<CudaDevice&>(from);
    peer.use();
    order(peer.stream_, stream_, from.index(), index());
    check_cuda(cudaMemcpyPeerAsync(dst, index(), src, from.index(), bytes, stream_), "copying between devices");
    order(stream_, peer.stream_, index(), from.index());
  }
  void synchronize() override {
    use();
    refuse_while_recording();
    check_cuda(cudaStreamSynchronize(stream_), "waiting for the device");
  }

  void synchronize_all() override {
    use();
    check_cuda(cudaDeviceSynchronize(), "waiting for the device");
  }
  uintptr_t queue_handle() override { return reinterpret_cast<uintptr_t>(stream_); }
  void wait_for(uintptr_t queue) override { order(foreign(queue), stream_, index(), index()); }
  void let_wait(uintptr_t queue) override { order(stream_, foreign(queue), index(), index()); }

  // Relaxed: other threads go on as if nothing happened, and so may this one outside of its stream.
  void begin_recording() override {
    use();
    if (capture.device) fail(Code::kInternal, "this thread is recording already");
    Capture begun;
    begun.device = this;
    begun.memory = std::make_shared<GraphMemory>(*allocator_);
    check_cuda(cudaStreamCreateWithFlags(&begun.stream, cudaStreamNonBlocking), "creating a stream");
    const cudaError_t error = cudaStreamBeginCapture(begun.stream, cudaStreamCaptureModeRelaxed);
    if (error != cudaSuccess) cudaStreamDestroy(begun.stream);
    check_cuda(error, "recording a graph");
    capture = std::move(begun);
  }
  std::unique_ptr<Recording> end_recording() override {
    const Capture ended = std::exchange(capture, Capture());
    cudaGraph_t graph = nullptr;
    const cudaError_t error = cudaStreamEndCapture(ended.stream, &graph);
    cudaStreamDestroy(ended.stream);
    check_cuda(error, "recording a graph");
    cudaGraphExec_t exec = nullptr;
    const cudaError_t made = cudaGraphInstantiate(&exec, graph, 0);
    cudaGraphDestroy(graph);
    check_cuda(made, "preparing a graph");
    return std::make_unique<CudaGraph>(*this, exec, ended.memory);
  }
  void abandon_recording() override {
    const Capture ended = std::exchange(capture, Capture());
    cudaGraph_t graph = nullptr;
    if (cudaStreamEndCapture(ended.stream, &graph) == cudaSuccess) cudaGraphDestroy(graph);
    cudaGetLastError();  // an invalidated capture says so once more
    cudaStreamDestroy(ended.stream);
  }

  size_t total_memory() const override { return properties_.totalGlobalMem; }
  void limit_memory(size_t bytes, bool reserve) override { allocator_->set_limit(bytes, reserve); }
  size_t bytes_in_use() const override { return allocator_->in_use(); }
  size_t bytes_cached() const override { return allocator_->cached(); }
  void trim() override {
    synchronize();
    allocator_->trim();
    pinned_.trim();
  }

 private:
  // Other libraries of the process change the thread's device too, so it is set each time.
  void use() const { check_cuda(cudaSetDevice(index()), "selecting the device"); }

  // 1 and 2 are the legacy and the per-thread default stream: CUDA's handles for them are the same numbers. The
  // simulator has one default stream.
  static cudaStream_t foreign(uintptr_t queue) {
#if defined(TFMINI_CUDA_SIM)
    if (queue <= 2) return nullptr;
#endif
    return reinterpret_cast<cudaStream_t>(queue);
  }

  // Nothing that is being recorded has run: there is nothing to wait for or to look at.
  void refuse_while_recording() const {
    if (capture.device == this) fail(Code::kInternal, "a kernel that waits for the device cannot be recorded");
  }

  // Makes stream `second` wait for what `first` has queued. An event belongs to the device it is recorded on.
  static void order(cudaStream_t first, cudaStream_t second, int first_device, int second_device) {
    cudaEvent_t event = nullptr;
    check_cuda(cudaSetDevice(first_device), "selecting the device");
    check_cuda(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "creating an event");
    cudaError_t error = cudaEventRecord(event, first);
    if (error == cudaSuccess) error = cudaSetDevice(second_device);
    if (error == cudaSuccess) error = cudaStreamWaitEvent(second, event, 0);
    cudaEventDestroy(event);
    check_cuda(error, "ordering two devices");
  }

  cudaDeviceProp properties_ = {};
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<Allocator> allocator_;
  PinnedMemory pinned_;
  Staging staging_;
};

CudaDevice& as_cuda(Device& device) { return static_cast<CudaDevice&>(device); }

}  // namespace

cudaStream_t stream(Device& device) { return as_cuda(device).current_stream(); }
cudaStream_t stream(const KernelContext& c) { return stream(c.device()); }

const cudaDeviceProp& properties(Device& device) { return as_cuda(device).properties(); }

int device_of(const void* p) {
  cudaPointerAttributes attributes;
  check_cuda(cudaPointerGetAttributes(&attributes, p), "looking at a pointer");
  return attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged ? attributes.device : -1;
}

Device& device(int index) {
  // Never destroyed: the driver may be gone when static destructors run.
  constexpr int kMaxDevices = 64;
  static std::atomic<CudaDevice*> devices[kMaxDevices];
  static std::mutex mutex;
  if (index >= 0 && index < kMaxDevices)
    if (CudaDevice* open = devices[index].load(std::memory_order_acquire)) return *open;
  std::lock_guard lock(mutex);
  const std::string reason = status();
  if (!reason.empty()) fail(Code::kInvalidArgument, "/device:GPU:", index, " cannot be used: ", reason);
  check(index >= 0 && index < std::min(count(), kMaxDevices), "/device:GPU:", index, " does not exist; there are ",
        count());
  if (!devices[index].load(std::memory_order_acquire))
    devices[index].store(new CudaDevice(index), std::memory_order_release);
  return *devices[index].load(std::memory_order_acquire);
}

}  // namespace tfmini::cuda
