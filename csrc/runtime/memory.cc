#include "runtime/memory.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <queue>
#include <utility>

#include "core/device.h"

namespace tfmini {
namespace {

// Free blocks by offset, coalesced.
class FreeList {
 public:
  void free(size_t offset, size_t bytes) {
    auto next = blocks_.lower_bound(offset);
    if (next != blocks_.begin()) {
      auto previous = std::prev(next);
      if (previous->first + previous->second == offset) {
        offset = previous->first;
        bytes += previous->second;
        blocks_.erase(previous);
      }
    }
    if (next != blocks_.end() && offset + bytes == next->first) {
      bytes += next->second;
      blocks_.erase(next);
    }
    blocks_[offset] = bytes;
  }

  size_t allocate(size_t bytes) {
    auto best = blocks_.end();
    for (auto it = blocks_.begin(); it != blocks_.end(); ++it)
      if (it->second >= bytes && (best == blocks_.end() || it->second < best->second)) best = it;
    if (best == blocks_.end()) return grow(bytes);
    const auto [offset, size] = *best;
    blocks_.erase(best);
    if (size > bytes) blocks_[offset + bytes] = size - bytes;
    return offset;
  }

  size_t total() const { return total_; }

 private:
  // Extends the arena; a free block at its end becomes part of the new one.
  size_t grow(size_t bytes) {
    size_t offset = total_;
    if (!blocks_.empty()) {
      auto last = std::prev(blocks_.end());
      if (last->first + last->second == total_) {
        offset = last->first;
        blocks_.erase(last);
      }
    }
    total_ = offset + bytes;
    return offset;
  }

  std::map<size_t, size_t> blocks_;
  size_t total_ = 0;
};

}  // namespace

Arena plan_memory(const std::vector<Lifetime>& lifetimes) {
  constexpr size_t kAlign = Device::kAlignment;
  Arena arena;
  arena.offsets.resize(lifetimes.size());
  FreeList free_list;
  using End = std::pair<int32_t, size_t>;  // (end, lifetime)
  std::priority_queue<End, std::vector<End>, std::greater<>> live;
  const auto padded = [&](size_t i) {
    return (std::max<size_t>(lifetimes[i].bytes, 1) + kAlign - 1) / kAlign * kAlign;
  };
  for (size_t i = 0; i < lifetimes.size(); ++i) {
    while (!live.empty() && live.top().first < lifetimes[i].begin) {
      const size_t dead = live.top().second;
      live.pop();
      free_list.free(arena.offsets[dead], padded(dead));
    }
    arena.offsets[i] = free_list.allocate(padded(i));
    live.emplace(lifetimes[i].end, i);
  }
  arena.bytes = free_list.total();
  return arena;
}

}  // namespace tfmini
