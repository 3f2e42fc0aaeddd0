// The allocator: alignment, reuse, accounting, many threads, refusal, fork.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>
#include <vector>

#include "check.h"
#include "core/device.h"
#include "core/error.h"

namespace tfmini {
namespace {

// Allocates and frees blocks of all kinds in random order, and writes to every byte.
void storm(unsigned seed) {
  std::vector<BufferRef> held(64);
  unsigned x = seed * 7919 + 1;
  for (int i = 0; i < 5000; ++i) {
    x = x * 1664525 + 1013904223;
    const size_t bytes = (x >> 8) % ((x & 63) == 0 ? 3'000'000 : 6000);
    BufferRef b = cpu_device().allocate(bytes);
    CHECK(reinterpret_cast<uintptr_t>(b->data()) % Device::kAlignment == 0 && b->bytes() >= bytes);
    std::memset(b->data(), static_cast<int>(x & 255), bytes);
    held[(x >> 3) & 63] = std::move(b);
  }
}

void counts_and_reuses() {
  Device& cpu = cpu_device();
  const size_t before = cpu.bytes_in_use();
  for (size_t bytes : {size_t{0}, size_t{1}, size_t{64}, size_t{4096}, size_t{4097}, size_t{5} << 20}) {
    BufferRef first = cpu.allocate(bytes);
    CHECK(cpu.bytes_in_use() >= before + bytes);
    void* const data = first->data();
    first.reset();
    CHECK(cpu.bytes_in_use() == before);
    CHECK(cpu.allocate(bytes)->data() == data);
  }
  cpu.trim();
  CHECK(cpu.bytes_cached() == 0);
}

void frees_from_other_threads() {
  const size_t before = cpu_device().bytes_in_use();
  std::vector<BufferRef> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(cpu_device().allocate(256));
  std::thread([&] { blocks.clear(); }).join();
  CHECK(cpu_device().bytes_in_use() == before);
}

void serves_many_threads() {
  const size_t before = cpu_device().bytes_in_use();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 8; ++i) threads.emplace_back(storm, i);
  for (auto& t : threads) t.join();
  CHECK(cpu_device().bytes_in_use() == before);
}

void refuses_the_absurd() {
  for (size_t bytes : {size_t{1} << 45, size_t{1} << 61, ~size_t{0}}) {
    bool refused = false;
    try {
      cpu_device().allocate(bytes);
    } catch (const Error& e) {
      refused = e.code() == Code::kResourceExhausted;
    }
    CHECK(refused);
  }
}

void survives_fork() {
  for (int i = 0; i < 10; ++i) {
    std::thread busy(storm, 1);
    const pid_t child = fork();
    if (child == 0) {
      storm(2);
      _exit(0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    busy.join();
  }
}

}  // namespace
}  // namespace tfmini

int main() {
  using namespace tfmini;
  counts_and_reuses();
  frees_from_other_threads();
  serves_many_threads();
  refuses_the_absurd();
#if !defined(__SANITIZE_THREAD__)  // cannot follow a child that starts threads
  survives_fork();
#endif
}
