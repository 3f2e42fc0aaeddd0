// Stopping a run from outside (Ctrl-C, a deadline). Whoever starts a run installs a CancelScope on
// its thread; parallel_for asks interrupted() between chunks and gives up with CancelledError, so
// even one long kernel ends promptly. Threads without a scope pay one load.
#pragma once

#include <cstdint>
#include <functional>

namespace tfmini {

// While alive, work on this thread may be cancelled: `poll` is asked at most every 10 ms or so and
// returns true to cancel, which then holds for the rest of the scope. Scopes nest.
class CancelScope {
 public:
  explicit CancelScope(std::function<bool()> poll);
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

 private:
  friend bool interrupted();
  bool check();

  std::function<bool()> poll_;
  CancelScope* previous_;
  int64_t next_poll_ns_;
  bool fired_ = false;
};

// While alive, interrupted() is false on this thread: for kernels that must finish what they have
// begun, because they write to variables.
class InterruptMask {
 public:
  InterruptMask();
  ~InterruptMask();
  InterruptMask(const InterruptMask&) = delete;
  InterruptMask& operator=(const InterruptMask&) = delete;
};

// Should the work on this thread stop?
bool interrupted();
// Throws CancelledError if so.
void throw_if_interrupted();

}  // namespace tfmini
