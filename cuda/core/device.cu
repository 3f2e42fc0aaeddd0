// CUDA devices behind the Device interface. The runtime is linked statically, so the module loads
// on machines without a driver; there every call reports why no GPU can be used.
#include <cuda_runtime.h>

#include <memory>
#include <mutex>

#include "core/devices.h"
#include "core/error.h"
#include "core/launch.cuh"
#include "core/stream.h"

namespace tfmini::cuda {

void check_cuda(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // clears it: the next call must not report this one again
  const Code code = error == cudaErrorMemoryAllocation ? Code::kResourceExhausted : Code::kInternal;
  fail(code, what, ": ", cudaGetErrorString(error));
}

namespace {

// A block from the device's stream-ordered pool. Freeing it is ordered after the work that was
// queued before, so no synchronisation is needed.
class CudaBuffer final : public Buffer {
 public:
  CudaBuffer(void* data, size_t bytes, int device, cudaStream_t stream)
      : Buffer(data, bytes), device_(device), stream_(stream) {}
  ~CudaBuffer() override {
    cudaSetDevice(device_);
    cudaFreeAsync(data(), stream_);
  }

 private:
  int device_;
  cudaStream_t stream_;
};

class CudaDevice final : public Device {
 public:
  explicit CudaDevice(int index) : Device(DeviceKind::kCUDA, index) {
    use();
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream");
    cudaMemPoolProps props = {};
    props.allocType = cudaMemAllocationTypePinned;
    props.location.type = cudaMemLocationTypeDevice;
    props.location.id = index;
    check_cuda(cudaMemPoolCreate(&pool_, &props), "creating a memory pool");
    // Freed blocks stay in the pool until trim().
    uint64_t keep = UINT64_MAX;
    check_cuda(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep), "configuring the memory pool");
  }

  BufferRef allocate(size_t bytes) override {
    use();
    void* data = nullptr;
    // The pool's granularity is above kAlignment; zero bytes still need an address of their own.
    const cudaError_t error = cudaMallocFromPoolAsync(&data, bytes ? bytes : 1, pool_, stream_);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      fail(Code::kResourceExhausted, "out of memory on ", name(), ": ", bytes, " bytes wanted, ", bytes_in_use(),
           " in use, ", bytes_cached(), " cached");
    }
    check_cuda(error, "allocating device memory");
    return BufferRef(new CudaBuffer(data, bytes, index(), stream_));
  }

  void require(size_t) override {}  // nothing on this device is allocated elsewhere

  void copy_from_host(void* dst, const void* src, size_t bytes) override {
    use();
    check_cuda(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyHostToDevice, stream_), "copying to the device");
  }
  void copy_to_host(void* dst, const void* src, size_t bytes) override {
    use();
    check_cuda(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, stream_), "copying from the device");
    synchronize();
  }
  void synchronize() override {
    use();
    check_cuda(cudaStreamSynchronize(stream_), "waiting for the device");
  }

  size_t bytes_in_use() const override { return pool_bytes(cudaMemPoolAttrUsedMemCurrent); }
  size_t bytes_cached() const override {
    return pool_bytes(cudaMemPoolAttrReservedMemCurrent) - pool_bytes(cudaMemPoolAttrUsedMemCurrent);
  }
  void trim() override {
    synchronize();
    check_cuda(cudaMemPoolTrimTo(pool_, 0), "returning device memory");
  }
  cudaStream_t stream() const {
    use();
    return stream_;
  }

 private:
  void use() const { check_cuda(cudaSetDevice(index()), "selecting the device"); }
  size_t pool_bytes(cudaMemPoolAttr attribute) const {
    uint64_t bytes = 0;
    check_cuda(cudaMemPoolGetAttribute(pool_, attribute, &bytes), "asking the memory pool");
    return bytes;
  }

  cudaStream_t stream_ = nullptr;
  cudaMemPool_t pool_ = nullptr;
};

}  // namespace

cudaStream_t stream(const KernelContext& c) { return static_cast<const CudaDevice&>(c.device()).stream(); }

std::string status() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  cudaGetLastError();
  if (error == cudaErrorInsufficientDriver) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0) return "no NVIDIA driver was found";
    return detail::concat("the NVIDIA driver supports CUDA ", driver / 1000, ".", driver % 1000 / 10,
                          ", this build needs ", CUDART_VERSION / 1000, ".", CUDART_VERSION % 1000 / 10);
  }
  if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0)) return "no CUDA device was found";
  if (error != cudaSuccess) return cudaGetErrorString(error);
  return "";
}

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> all;
  if (!status().empty()) return all;
  int count = 0;
  cudaGetDeviceCount(&count);
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp prop;
    if (cudaGetDeviceProperties(&prop, i) != cudaSuccess) continue;
    DeviceInfo info;
    info.name = detail::concat("/device:GPU:", i);
    info.kind = DeviceKind::kCUDA;
    info.memory = prop.totalGlobalMem;
    info.description = detail::concat(prop.name, ", compute capability ", prop.major, ".", prop.minor);
    all.push_back(std::move(info));
  }
  return all;
}

Device& device(int index) {
  // Never destroyed: the driver may be gone when static destructors run.
  static auto* devices = new std::vector<std::unique_ptr<CudaDevice>>;
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  const std::string reason = status();
  if (!reason.empty()) fail(Code::kInvalidArgument, "/device:GPU:", index, " cannot be used: ", reason);
  int count = 0;
  check_cuda(cudaGetDeviceCount(&count), "counting devices");
  check(index >= 0 && index < count, "/device:GPU:", index, " does not exist; there are ", count);
  if (devices->size() <= static_cast<size_t>(index)) devices->resize(static_cast<size_t>(index) + 1);
  auto& slot = (*devices)[static_cast<size_t>(index)];
  if (!slot) slot = std::make_unique<CudaDevice>(index);
  return *slot;
}

}  // namespace tfmini::cuda
