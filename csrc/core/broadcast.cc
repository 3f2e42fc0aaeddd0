#include "core/broadcast.h"

#include <algorithm>
#include <cstring>

namespace tfmini {

BroadcastInput::BroadcastInput(const Shape& in, const Shape& out, int element_size) : element_size_(element_size) {
  const int offset = out.rank() - in.rank();
  for (int i = 0; i < out.rank(); ++i) {
    if (out[i] == 1) continue;
    const bool present = i >= offset && in[i - offset] != 1;
    if (rank_ > 0 && present_[rank_ - 1] == present) {
      sizes_[rank_ - 1] *= out[i];
    } else {
      sizes_[rank_] = out[i];
      present_[rank_++] = present;
    }
  }
  int64_t stride = 1;
  for (int i = rank_ - 1; i >= 0; --i) {
    strides_[i] = present_[i] ? stride : 0;
    if (present_[i]) stride *= sizes_[i];
  }
  if (rank_ > 0) inner_ = sizes_[rank_ - 1];
}

namespace {

// out[r * width + i] = x[r], for short rows: whole blocks are written, each over what the one before wrote too much.
template <class T>
void spread(const T* x, T* out, int64_t rows, int64_t width) {
  constexpr int64_t kBlock = 32 / sizeof(T);
  int64_t r = 0;
  for (; r < rows && (rows - r) * width >= width + kBlock; ++r) {
    T block[kBlock];
    std::fill_n(block, kBlock, x[r]);
    for (int64_t i = 0; i < width; i += kBlock) std::memcpy(out + r * width + i, block, sizeof block);
  }
  for (; r < rows; ++r) std::fill_n(out + r * width, width, x[r]);
}

}  // namespace

void spread_rows(const void* x, void* out, int64_t rows, int64_t width, int element_size) {
  const auto as = [&]<class T>(T) { spread(static_cast<const T*>(x), static_cast<T*>(out), rows, width); };
  switch (element_size) {
    case 1:
      return as(uint8_t{});
    case 2:
      return as(uint16_t{});
    case 4:
      return as(uint32_t{});
    default:
      return as(uint64_t{});
  }
}

template <class T>
void BroadcastInput::gather(const T* base, int64_t begin, int64_t n, T* out) const {
  const bool copy_runs = present_[rank_ - 1];
  int64_t done = 0;
  while (done < n) {
    const int64_t run = std::min(inner_ - (begin + done) % inner_, n - done);
    const T* from = base + index(begin + done);
    if (copy_runs)
      std::copy_n(from, run, out + done);
    else
      std::fill_n(out + done, run, *from);
    done += run;
    if (per_row() && n - done >= inner_) {
      const int64_t rows = (n - done) / inner_;
      spread(base + index(begin + done), out + done, rows, inner_);
      done += rows * inner_;
    }
    // A row repeated over all outer dimensions: from here on the output repeats what it has, whole periods at a time.
    if (rank_ == 2 && copy_runs && done >= inner_) {
      while (done < n) {
        const int64_t period = done / inner_ * inner_, count = std::min(period, n - done);
        std::copy_n(out + done - period, count, out + done);
        done += count;
      }
    }
  }
}

BroadcastInput::Span BroadcastInput::read(const void* base, int64_t begin, int64_t n, void* scratch) const {
  const char* bytes = static_cast<const char*>(base);
  if (full()) return {bytes + begin * element_size_, false};
  if (scalar()) return {base, true};
  if (begin % inner_ + n <= inner_) return {bytes + index(begin) * element_size_, !present_[rank_ - 1]};
  switch (element_size_) {
    case 1:
      gather(static_cast<const uint8_t*>(base), begin, n, static_cast<uint8_t*>(scratch));
      break;
    case 2:
      gather(static_cast<const uint16_t*>(base), begin, n, static_cast<uint16_t*>(scratch));
      break;
    case 4:
      gather(static_cast<const uint32_t*>(base), begin, n, static_cast<uint32_t*>(scratch));
      break;
    default:
      gather(static_cast<const uint64_t*>(base), begin, n, static_cast<uint64_t*>(scratch));
      break;
  }
  return {scratch, false};
}

}  // namespace tfmini
