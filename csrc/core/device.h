// Devices and the memory they hand out. A Buffer is a reference-counted block; a Device makes
// buffers. The CPU device caches freed blocks by size class, because fresh pages cost more to
// touch than most kernels cost to run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace tfmini {

enum class DeviceKind : uint8_t { kCPU = 0, kCUDA = 1 };

class Buffer {
 public:
  Buffer(void* data, size_t bytes) : data_(data), bytes_(bytes) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  virtual ~Buffer() = default;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  void ref() { refs_.fetch_add(1, std::memory_order_relaxed); }
  void unref() {
    // acq_rel: the last owner must see every write made through the other references. A sole owner
    // races with nobody and saves the locked instruction.
    if (unique() || refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) release();
  }
  bool unique() const { return refs() == 1; }
  int refs() const { return refs_.load(std::memory_order_acquire); }

 protected:
  virtual void release() { delete this; }
  void set_refs(int n) { refs_.store(n, std::memory_order_relaxed); }

 private:
  void* data_;
  size_t bytes_;
  std::atomic<int> refs_{1};
};

// An owning pointer to a Buffer.
class BufferRef {
 public:
  BufferRef() = default;
  // Takes over the reference the Buffer was created with.
  explicit BufferRef(Buffer* buffer) : buffer_(buffer) {}
  BufferRef(const BufferRef& o) : buffer_(o.buffer_) {
    if (buffer_) buffer_->ref();
  }
  BufferRef(BufferRef&& o) noexcept : buffer_(std::exchange(o.buffer_, nullptr)) {}
  BufferRef& operator=(BufferRef o) noexcept {
    std::swap(buffer_, o.buffer_);
    return *this;
  }
  ~BufferRef() {
    if (buffer_) buffer_->unref();
  }
  Buffer* get() const { return buffer_; }
  Buffer* operator->() const { return buffer_; }
  explicit operator bool() const { return buffer_ != nullptr; }
  void reset() { *this = BufferRef(); }

 private:
  Buffer* buffer_ = nullptr;
};

// Device work recorded once, to be queued as one thing (a CUDA graph).
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay() = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  DeviceKind kind() const { return kind_; }
  int index() const { return index_; }
  // What a tensor remembers of where it is: 0 for the CPU, i + 1 for the i-th GPU.
  uint8_t ordinal() const { return kind_ == DeviceKind::kCPU ? 0 : static_cast<uint8_t>(index_ + 1); }
  // "/device:CPU:0"
  std::string name() const;

  // At least `bytes` bytes aligned to kAlignment, uninitialised. Throws ResourceExhaustedError.
  virtual BufferRef allocate(size_t bytes) = 0;
  // Throws ResourceExhaustedError unless there are `bytes` more: for what is allocated elsewhere.
  virtual void require(size_t bytes) = 0;
  // Host memory that copies to and from this device reach fastest.
  virtual BufferRef allocate_host(size_t bytes) = 0;
  // A device works through a queue: copies come after the work queued before them. `src` may be changed once
  // copy_from_host returns; `dst` of copy_to_host may be read after synchronize().
  virtual void copy_from_host(void* dst, const void* src, size_t bytes) = 0;
  virtual void copy_to_host(void* dst, const void* src, size_t bytes) = 0;
  virtual void copy(void* dst, const void* src, size_t bytes) = 0;  // both on this device
  virtual void copy_from_peer(void* dst, Device& from, const void* src, size_t bytes) = 0;
  // Waits for the queued work; throws what went wrong in it.
  virtual void synchronize() = 0;
  // The same for all queues of the device, other libraries' too.
  virtual void synchronize_all() = 0;
  // The queues of other libraries, by the handles they exchange: this device's own; work queued here from now on comes
  // after what is in theirs; work queued there comes after what is here.
  virtual uintptr_t queue_handle() = 0;
  virtual void wait_for(uintptr_t queue) = 0;
  virtual void let_wait(uintptr_t queue) = 0;
  // Until end_recording(), what this thread would queue is recorded instead; memory it allocates and frees meanwhile
  // stays with the recording. Work that waits for the device cannot be recorded.
  virtual void begin_recording() = 0;
  virtual std::unique_ptr<Recording> end_recording() = 0;
  // Drops what was recorded (an error came between).
  virtual void abandon_recording() = 0;
  virtual size_t total_memory() const = 0;
  // No more than this may be allocated by this process; `reserve`: it is taken at once.
  virtual void limit_memory(size_t bytes, bool reserve) = 0;
  // Bytes held by live buffers and by the cache, for reports and tests.
  virtual size_t bytes_in_use() const = 0;
  virtual size_t bytes_cached() const = 0;
  // Gives cached blocks back to the system.
  virtual void trim() = 0;

  static constexpr size_t kAlignment = 64;

 protected:
  Device(DeviceKind kind, int index) : kind_(kind), index_(index) {}

 private:
  DeviceKind kind_;
  int index_;
};

Device& cpu_device();

}  // namespace tfmini
