#include "conv/pool.h"

#include <algorithm>
#include <vector>

#include "conv/max_grad_rows.h"
#include "core/error.h"
#include "core/parallel.h"
#include "simd/pool.h"

namespace tfmini::conv {
namespace {

constexpr int64_t kBandBytes = 128 << 10;  // of maxima found at a time, before their gradients are gathered

int64_t size(const WindowRange& r) { return r.end - r.begin; }

// The same images with channels last: the channels of NCHW images become images of their own.
PoolGeometry channels_last(PoolGeometry g) {
  if (!g.nchw) return g;
  g.batch *= g.channels;
  g.channels = 1;
  g.nchw = false;
  return g;
}

// Too few channels to fill a vector.
template <class T>
bool narrow(const PoolGeometry& g) {
  return g.channels * static_cast<int64_t>(sizeof(T)) < 32;
}

// Bytes that a row of outputs, or of gradients, reads.
template <class T>
int64_t row_bytes(const PoolGeometry& g, int64_t width) {
  return std::min(g.h.kernel, g.h.in) * width * g.channels * static_cast<int64_t>(sizeof(T));
}

// Calls fn(image, row) for every row of [batch, height]; each chunk has an fn of its own, made by make().
template <class Make>
void for_rows(int64_t batch, int64_t height, int64_t bytes, const Make& make) {
  parallel_for(batch * height, grain_for_bytes(bytes), [&](int64_t begin, int64_t end) {
    auto fn = make();
    for (int64_t r = begin; r < end; ++r) fn(r / height, r % height);
  });
}

// The pixels of one window, and their numbers in the image.
template <class T>
class Window {
 public:
  Window(const PoolGeometry& g, const T* input) : g_(g), input_(input) {}

  void move(int64_t n, int64_t y, int64_t x) {
    const WindowRange h = inside(g_.h, y), w = inside(g_.w, x);
    pixels.clear();
    positions.clear();
    const T* const image = input_ + n * g_.in_pixels() * g_.channels;
    for (int64_t i = h.begin; i < h.end; ++i)
      for (int64_t j = w.begin; j < w.end; ++j) {
        pixels.push_back(image + (i * g_.w.in + j) * g_.channels);
        positions.push_back(static_cast<int32_t>(i * g_.w.in + j));
      }
  }
  int64_t count() const { return static_cast<int64_t>(pixels.size()); }

  std::vector<const T*> pixels;
  std::vector<int32_t> positions;

 private:
  const PoolGeometry& g_;
  const T* input_;
};

// reduce(pixels, count, out, n): n channels of `count` pixels.
template <class T, class Reduce>
void pool_pixels(const PoolGeometry& g, const T* input, T* output, const Reduce& reduce) {
  for_rows(g.batch, g.h.out, row_bytes<T>(g, g.w.in), [&] {
    return [&, window = Window<T>(g, input)](int64_t n, int64_t y) mutable {
      T* const out = output + (n * g.h.out + y) * g.w.out * g.channels;
      for (int64_t x = 0; x < g.w.out; ++x) {
        window.move(n, y, x);
        reduce(window.pixels.data(), window.count(), out + x * g.channels, g.channels);
      }
    };
  });
}

// The rows of windows become one line with its padding made explicit, which `along` pools; finish(out, y).
template <class T, class Reduce, class Along, class Finish>
void pool_rows(const PoolGeometry& g, const T* input, T* output, const Reduce& reduce, const Along& along,
               const Finish& finish) {
  const int64_t c = g.channels, row = g.w.in * c, span = ((g.w.out - 1) * g.w.stride + g.w.kernel) * c;
  const int64_t pad = g.w.pad * c, used = std::min(row, span - pad);
  for_rows(g.batch, g.h.out, row_bytes<T>(g, g.w.in), [&] {
    std::vector<T> made(span);
    reduce(nullptr, 0, made.data(), span);
    return [&, rows = std::vector<const T*>(), line = std::move(made)](int64_t n, int64_t y) mutable {
      const WindowRange h = inside(g.h, y);
      rows.clear();
      for (int64_t i = h.begin; i < h.end; ++i) rows.push_back(input + (n * g.h.in + i) * row);
      reduce(rows.data(), size(h), line.data() + pad, used);
      T* const out = output + (n * g.h.out + y) * g.w.out * c;
      along(line.data(), g.w.stride * c, g.w.kernel, out, g.w.out, c);
      finish(out, y);
    };
  });
}

// Numbers of the inputs of each window of a row.
template <class T>
std::vector<T> window_widths(const PoolGeometry& g) {
  std::vector<T> widths(g.w.out);
  for (int64_t x = 0; x < g.w.out; ++x) widths[x] = static_cast<T>(size(inside(g.w, x)));
  return widths;
}

void check_positions(const PoolGeometry& g) {
  check(g.in_pixels() <= INT32_MAX, "images of more than 2^31 pixels cannot be pooled");
}

// The windows over one input pixel: what they get, and whom they chose.
template <class T>
struct Over {
  std::vector<const T*> grads;
  std::vector<const int32_t*> winners;
  void clear() {
    grads.clear();
    winners.clear();
  }
};

// Bands of input rows: the maxima of the windows over them are found, then each input asks those over it
// whether it is theirs.
template <class T>
void gather_from_windows(const PoolGeometry& g, const T* input, const T* grad, T* dinput) {
  const int64_t c = g.channels, window_row = g.w.out * c;
  const int64_t fit = kBandBytes / std::max<int64_t>(1, window_row * static_cast<int64_t>(sizeof(int32_t)));
  const int64_t rows = std::clamp<int64_t>((fit - 1) * g.h.stride, 4 * g.h.stride, std::max(g.h.in, 4 * g.h.stride));
  const int64_t bands = (g.h.in + rows - 1) / rows;
  const auto& loops = simd::pool_loops<T>();
  for_rows(g.batch, bands, rows * row_bytes<T>(g, g.w.in), [&] {
    return [&, window = Window<T>(g, input), over = Over<T>(), winners = std::vector<int32_t>()](int64_t n,
                                                                                                 int64_t band) mutable {
      const int64_t begin = band * rows, end = std::min(g.h.in, begin + rows);
      const int64_t first = windows_over(g.h, begin).begin, last = std::max(first, windows_over(g.h, end - 1).end);
      winners.resize((last - first) * window_row);
      for (int64_t y = first; y < last; ++y)
        for (int64_t x = 0; x < g.w.out; ++x) {
          window.move(n, y, x);
          loops.argmax(window.pixels.data(), window.positions.data(), window.count(), nullptr,
                       &winners[(y - first) * window_row + x * c], c);
        }
      for (int64_t y = begin; y < end; ++y)
        for (int64_t x = 0; x < g.w.in; ++x) {
          const WindowRange h = windows_over(g.h, y), w = windows_over(g.w, x);
          over.clear();
          for (int64_t i = h.begin; i < h.end; ++i)
            for (int64_t j = w.begin; j < w.end; ++j) {
              over.grads.push_back(grad + ((n * g.h.out + i) * g.w.out + j) * c);
              over.winners.push_back(&winners[(i - first) * window_row + j * c]);
            }
          const int64_t pixel = y * g.w.in + x;
          loops.select(over.grads.data(), over.winners.data(), static_cast<int32_t>(pixel),
                       static_cast<int64_t>(over.grads.size()), dinput + (n * g.in_pixels() + pixel) * c, c);
        }
    };
  });
}

// The gradients of the windows' rows over a row of inputs become one line, which is spread over the inputs.
template <class T>
void avg_grad_rows(const PoolGeometry& g, const T* grad, T* dinput) {
  const int64_t c = g.channels, row = g.w.in * c, span = ((g.w.out - 1) * g.w.stride + g.w.kernel) * c;
  const int64_t pad = g.w.pad * c, used = std::min(row, span - pad);
  const std::vector<T> widths = window_widths<T>(g);
  const auto& loops = simd::pool_loops<T>();
  for_rows(g.batch, g.h.in, row_bytes<T>(g, g.w.out), [&] {
    return [&, rows = std::vector<const T*>(), scales = std::vector<T>(), sums = std::vector<T>(g.w.out * c),
            line = std::vector<T>(span)](int64_t n, int64_t y) mutable {
      const WindowRange h = windows_over(g.h, y);
      rows.clear();
      scales.clear();
      for (int64_t i = h.begin; i < h.end; ++i) {
        rows.push_back(grad + (n * g.h.out + i) * g.w.out * c);
        scales.push_back(T(1) / static_cast<T>(size(inside(g.h, i))));
      }
      loops.weighted(rows.data(), scales.data(), static_cast<int64_t>(rows.size()), sums.data(), g.w.out * c);
      for (int64_t x = 0; x < g.w.out; ++x)
        for (int64_t ch = 0; ch < c; ++ch) sums[x * c + ch] /= widths[x];
      std::fill(line.begin(), line.end(), T(0));
      loops.spread(sums.data(), line.data(), g.w.stride * c, g.w.kernel, g.w.out, c);
      T* const out = dinput + (n * g.h.in + y) * row;
      std::copy_n(line.data() + pad, used, out);
      std::fill(out + used, out + row, T(0));
    };
  });
}

template <class T>
void avg_grad_pixels(const PoolGeometry& g, const T* grad, T* dinput) {
  const int64_t c = g.channels;
  const auto& loops = simd::pool_loops<T>();
  for_rows(g.batch, g.h.in, row_bytes<T>(g, g.w.out), [&] {
    return [&, grads = std::vector<const T*>(), scales = std::vector<T>()](int64_t n, int64_t y) mutable {
      const WindowRange h = windows_over(g.h, y);
      for (int64_t x = 0; x < g.w.in; ++x) {
        const WindowRange w = windows_over(g.w, x);
        grads.clear();
        scales.clear();
        for (int64_t i = h.begin; i < h.end; ++i)
          for (int64_t j = w.begin; j < w.end; ++j) {
            grads.push_back(grad + ((n * g.h.out + i) * g.w.out + j) * c);
            scales.push_back(T(1) / static_cast<T>(size(inside(g.h, i)) * size(inside(g.w, j))));
          }
        loops.weighted(grads.data(), scales.data(), static_cast<int64_t>(grads.size()),
                       dinput + ((n * g.h.in + y) * g.w.in + x) * c, c);
      }
    };
  });
}

}  // namespace

template <class T>
void max_pool(const PoolGeometry& given, const T* input, T* output) {
  const PoolGeometry g = channels_last(given);
  if (g.batch * g.out_pixels() * g.channels == 0) return;
  const auto& loops = simd::pool_loops<T>();
  if (narrow<T>(g))
    pool_rows(g, input, output, loops.max, loops.max_along, [](T*, int64_t) {});
  else
    pool_pixels(g, input, output, loops.max);
}

template <class T>
void avg_pool(const PoolGeometry& given, const T* input, T* output) {
  const PoolGeometry g = channels_last(given);
  if (g.batch * g.out_pixels() * g.channels == 0) return;
  const auto& loops = simd::pool_loops<T>();
  if (!narrow<T>(g)) {
    pool_pixels(g, input, output, [&](const T* const* pixels, int64_t count, T* out, int64_t n) {
      loops.sum(pixels, count, T(1) / static_cast<T>(count), out, n);
    });
    return;
  }
  const std::vector<T> widths = window_widths<T>(g);
  pool_rows(
      g, input, output,
      [&](const T* const* rows, int64_t count, T* out, int64_t n) { loops.sum(rows, count, T(1), out, n); },
      loops.sum_along,
      [&](T* out, int64_t y) {
        const auto height = static_cast<T>(size(inside(g.h, y)));
        for (int64_t x = 0; x < g.w.out; ++x)
          for (int64_t ch = 0; ch < g.channels; ++ch) out[x * g.channels + ch] /= height * widths[x];
      });
}

template <class T>
void max_pool_grad(const PoolGeometry& given, const T* input, const T* grad, T* dinput) {
  const PoolGeometry g = channels_last(given);
  check_positions(g);
  if (g.batch * g.in_pixels() * g.channels == 0) return;
  narrow<T>(g) ? max_grad_rows(g, input, grad, dinput) : gather_from_windows(g, input, grad, dinput);
}

template <class T>
void avg_pool_grad(const PoolGeometry& given, const T* grad, T* dinput) {
  const PoolGeometry g = channels_last(given);
  if (g.batch * g.in_pixels() * g.channels == 0) return;
  if (narrow<T>(g))
    avg_grad_rows(g, grad, dinput);
  else
    avg_grad_pixels(g, grad, dinput);
}

template <class T>
void find_maxima(const PoolGeometry& g, const T* input, T* best, int32_t* at) {
  check_positions(g);
  const auto& loops = simd::pool_loops<T>();
  for_rows(g.batch, g.h.out, row_bytes<T>(g, g.w.in), [&] {
    return [&, window = Window<T>(g, input)](int64_t n, int64_t y) mutable {
      for (int64_t x = 0; x < g.w.out; ++x) {
        const int64_t out = ((n * g.h.out + y) * g.w.out + x) * g.channels;
        window.move(n, y, x);
        loops.argmax(window.pixels.data(), window.positions.data(), window.count(), best + out, at + out, g.channels);
      }
    };
  });
}

#define TFMINI_POOL(T)                                                      \
  template void max_pool(const PoolGeometry&, const T*, T*);                \
  template void max_pool_grad(const PoolGeometry&, const T*, const T*, T*); \
  template void find_maxima(const PoolGeometry&, const T*, T*, int32_t*);
TFMINI_POOL(float)
TFMINI_POOL(double)
TFMINI_POOL(int8_t)
TFMINI_POOL(int16_t)
TFMINI_POOL(int32_t)
TFMINI_POOL(int64_t)
TFMINI_POOL(uint8_t)
TFMINI_POOL(uint16_t)
#undef TFMINI_POOL
template void avg_pool(const PoolGeometry&, const float*, float*);
template void avg_pool(const PoolGeometry&, const double*, double*);
template void avg_pool_grad(const PoolGeometry&, const float*, float*);
template void avg_pool_grad(const PoolGeometry&, const double*, double*);

}  // namespace tfmini::conv
