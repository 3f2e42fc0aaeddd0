#include "sim/context.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace tfmini::sim {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kStackBytes = 2 << 20;  // frames are several times as large
#else
constexpr size_t kStackBytes = 256 << 10;
#endif
constexpr size_t kGuardBytes = 4096;

}  // namespace

Context::~Context() {
  if (!mapping_) return;
  allow_access(stack_bottom_, stack_bytes_);
  munmap(mapping_, kGuardBytes + kStackBytes);
}

#if defined(__x86_64__)
// Saves the callee-saved registers and the stack pointer, loads those of the other stack.
extern "C" void tfmini_sim_switch(void** save, void* load);
asm(R"(
.text
.p2align 4
.local tfmini_sim_switch
.type tfmini_sim_switch, @function
tfmini_sim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.local tfmini_sim_enter
.type tfmini_sim_enter, @function
tfmini_sim_enter:
  movq %r12, %rdi
  callq *%r13
  ud2
)");
extern "C" void tfmini_sim_enter();
#endif

void Context::start(void (*main)(void*), void* arg) {
  mapping_ = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  mprotect(mapping_, kGuardBytes, PROT_NONE);
  stack_bottom_ = static_cast<char*>(mapping_) + kGuardBytes;
  stack_bytes_ = kStackBytes;
#if defined(__x86_64__)
  // As tfmini_sim_switch leaves it: six registers and a return address, which puts the stack on a multiple of 16.
  auto* top = reinterpret_cast<uint64_t*>(static_cast<char*>(mapping_) + kGuardBytes + kStackBytes) - 9;
  top[2] = reinterpret_cast<uint64_t>(main);  // r13
  top[3] = reinterpret_cast<uint64_t>(arg);   // r12
  top[6] = reinterpret_cast<uint64_t>(&tfmini_sim_enter);
  stack_pointer_ = top;
#else
  getcontext(&context_);
  context_.uc_stack.ss_sp = const_cast<void*>(stack_bottom_);
  context_.uc_stack.ss_size = stack_bytes_;
  context_.uc_link = nullptr;
  static void (*the_main)(void*);
  static void* the_arg;
  the_main = main;  // makecontext passes ints only; all contexts run the same main
  the_arg = arg;
  makecontext(&context_, +[] { the_main(the_arg); }, 0);
#endif
}

void switch_context(Context& from, Context& to) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fake_stack_, to.stack_bottom_, to.stack_bytes_);
#endif
#if defined(__x86_64__)
  tfmini_sim_switch(&from.stack_pointer_, to.stack_pointer_);
#else
  swapcontext(&from.context_, &to.context_);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(from.fake_stack_, &to.stack_bottom_, &to.stack_bytes_);
#endif
}

void enter_context(Context& came_from) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &came_from.stack_bottom_, &came_from.stack_bytes_);
#endif
}

}  // namespace tfmini::sim
