// What the parts of the simulated runtime share.
//
// Work is queued per stream and runs when somebody waits for it, on the thread that waits, as late as a GPU might run
// it: a missing wait shows as memory that has not been written yet.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "sim/api.h"

namespace tfmini::sim {

using Work = std::function<void()>;

// One lock for all: calls are few and short, and one grid runs at a time.
std::recursive_mutex& the_lock();
using Lock = std::lock_guard<std::recursive_mutex>;

// Of this thread.
int& current_device();
int num_devices();
// Remembers the error for cudaGetLastError and returns it.
cudaError_t result(cudaError_t error);
// What went wrong while work ran: reported by the next call that waits. Unlike on hardware, the device survives.
void fail_asynchronously(cudaError_t error, const char* message);
cudaError_t take_asynchronous_error();

// --- streams ---
struct Capture {
  std::vector<Work> work;
  bool invalid = false;
};
// Runs what the stream holds. The null stream stands for all of them.
void drain(cudaStream_t stream);
void enqueue(cudaStream_t stream, Work work);
// The stream's capture; nullptr if it is not capturing.
Capture* capture_of(cudaStream_t stream);

// --- memory ---
// Live ones are readable and writable by the host only while device work runs (seen by an address sanitizer).
struct DeviceAccess {
  DeviceAccess();
  ~DeviceAccess();
};
bool is_device_memory(const void* p, size_t bytes);

}  // namespace tfmini::sim

struct CUstream_st {
  int device = 0;
  std::deque<tfmini::sim::Work> queue;
  std::shared_ptr<tfmini::sim::Capture> capture;
};
