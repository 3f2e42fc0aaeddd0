#include "core/interrupt.h"

#include <ctime>
#include <utility>

#include "core/error.h"

namespace tfmini {
namespace {

constexpr int64_t kPollIntervalNs = 10'000'000;

constinit thread_local CancelScope* t_scope = nullptr;
constinit thread_local int t_masks = 0;

// A clock that ticks every few milliseconds costs a quarter of a precise one.
int64_t coarse_now_ns() {
#if defined(CLOCK_MONOTONIC_COARSE)
  constexpr clockid_t kClock = CLOCK_MONOTONIC_COARSE;
#else
  constexpr clockid_t kClock = CLOCK_MONOTONIC;
#endif
  timespec t;
  clock_gettime(kClock, &t);
  return t.tv_sec * int64_t{1'000'000'000} + t.tv_nsec;
}

}  // namespace

CancelScope::CancelScope(std::function<bool()> poll)
    : poll_(std::move(poll)),
      previous_(std::exchange(t_scope, this)),
      next_poll_ns_(coarse_now_ns() + kPollIntervalNs) {}

CancelScope::~CancelScope() { t_scope = previous_; }

bool CancelScope::check() {
  if (fired_) return true;
  const int64_t now = coarse_now_ns();
  if (now >= next_poll_ns_) {
    next_poll_ns_ = now + kPollIntervalNs;
    fired_ = poll_();
  }
  return fired_ || (previous_ && previous_->check());
}

InterruptMask::InterruptMask() { ++t_masks; }
InterruptMask::~InterruptMask() { --t_masks; }

bool interrupted() { return t_scope != nullptr && t_masks == 0 && t_scope->check(); }

void throw_if_interrupted() {
  if (interrupted()) fail(Code::kCancelled, "the run was interrupted");
}

}  // namespace tfmini
