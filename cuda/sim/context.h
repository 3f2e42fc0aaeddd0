// A stack of its own, and the switch to it. On x86-64 a few instructions; elsewhere ucontext, which makes two system
// calls per switch. Address sanitizers are told.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace tfmini::sim {

class Context {
 public:
  Context() = default;
  Context(const Context&) = delete;
  ~Context();
  // The first switch to this context calls main(arg), which must call enter_context first and never return.
  void start(void (*main)(void*), void* arg);

 private:
  friend void switch_context(Context& from, Context& to);
  friend void enter_context(Context& came_from);
#if defined(__x86_64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_;
#endif
  void* mapping_ = nullptr;             // the stack with its guard page, if this context owns one
  const void* stack_bottom_ = nullptr;  // what the sanitizer wants to know
  size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
};

void switch_context(Context& from, Context& to);
// First thing on a new stack: who switched here.
void enter_context(Context& came_from);

// Makes accesses a sanitizer error, where there is one.
inline void forbid_access(const void* p, size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(p, bytes);
#endif
}
inline void allow_access(const void* p, size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(p, bytes);
#endif
}

}  // namespace tfmini::sim
