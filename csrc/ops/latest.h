// What a kernel last made of an operand that seldom changes, such as packed weights; kept between runs, per node.
//
// An X holds a reference to the operand's buffer, which makes its address a proof: while the reference is held
// nobody writes there, and nothing else gets the memory. Borrowed memory (a feed, the arena) proves nothing.
#pragma once

#include <memory>
#include <mutex>

#include "core/op.h"

namespace tfmini {

template <class X>
class Latest final : public SessionState {
 public:
  static Latest& of(KernelContext& c) {
    return static_cast<Latest&>(c.session_state(
        [](const void*) -> std::unique_ptr<SessionState> { return std::make_unique<Latest>(); }, nullptr));
  }
  std::shared_ptr<const X> get() {
    const std::lock_guard lock(mutex_);
    return latest_;
  }
  void put(std::shared_ptr<const X> x) {
    const std::lock_guard lock(mutex_);
    latest_ = std::move(x);
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<const X> latest_;
};

}  // namespace tfmini
