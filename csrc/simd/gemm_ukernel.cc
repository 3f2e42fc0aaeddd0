#include "simd/gemm_ukernel.h"

#include "simd/edge.h"
#include "simd/gemm_tile.h"

namespace tfmini::simd {
namespace {

// What follows the products, for edges and epilogues: once per tile and out of line, so that one copy serves all
// kernels. `sums` are rows of `width` elements, whole vectors; what there is to do is done for all rows at a time,
// without a decision per row.
template <class T>
__attribute__((noinline)) void finish(const GemmTile<T>& t, T* sums, int rows, int width) {
  constexpr int N = kLanes<T>;
  asm("" : "+r"(rows), "+r"(width));  // or there would be a copy for each shape of a tile
  const int cols = t.cols < width ? t.cols : width, whole = cols / N * N;
  const Edge<T> edge(cols - whole);
  const auto each = [&](const auto& change) __attribute__((always_inline)) {
    for (int j = 0; j < cols; j += N)
      for (int i = 0; i < rows; ++i) store(sums + i * width + j, change(load(sums + i * width + j), i, j));
  };
  const auto read = [&](const T* p, int j)
                        __attribute__((always_inline)) { return j < whole ? load(p + j) : edge.load(p + j); };
  if (t.accumulate) each([&](Vec<T> x, int i, int j) { return x + read(t.c + i * t.ldc, j); });
  if (t.bias) each([&](Vec<T> x, int, int j) { return x + read(t.bias, j); });
  if (t.add) each([&](Vec<T> x, int i, int j) { return x + read(t.add + i * t.ldc, j); });
  if (t.relu) each([&](Vec<T> x, int, int) { return x < Vec<T>{} ? Vec<T>{} : x; });
  T* c = t.c;
  for (int i = 0; i < rows; ++i, c += t.ldc, sums += width) {
    for (int j = 0; j < whole; j += N) store(c + j, load(sums + j));
    if (whole < cols) edge.store(c + whole, load(sums + whole));
  }
}

// *to = *from by the integer units: the vector units are busy.
template <class T>
TFMINI_ALWAYS_INLINE void copy_element(const T* from, T* to) {
#if defined(__x86_64__)
  if constexpr (sizeof(T) == 4) {
    int32_t x;
    asm("movl %1, %0" : "=r"(x) : "m"(*from));
    __builtin_memcpy(to, &x, sizeof x);
  } else {
    int64_t x;
    asm("movq %1, %0" : "=r"(x) : "m"(*from));
    __builtin_memcpy(to, &x, sizeof x);
  }
#else
  *to = *from;
#endif
}

// Where the rows of A lie: in a packed panel, in a row-major matrix, or
// anywhere.
enum class Left { kPacked, kRowMajor, kAny };

enum class Copy { kNone, kA, kB };

// kEdge: the last vector of each row of B is read no further than t.cols.
template <class T, int kRows, int kVecs, Left kLeft, Copy kCopy = Copy::kNone, bool kEdge = false>
void micro_kernel(const GemmTile<T>& t) {
  // Constant strides cost no arithmetic, and four steps at once need a quarter
  // of the counting: what is left is 20 instructions for 12 multiply-adds,
  // which matters where two threads share a core's decoders. Other strides are
  // added at each step: multiples of them would take registers, and saving
  // those would take longer than a few steps.
  constexpr bool kPacked = kLeft == Left::kPacked;
  constexpr int kUnroll = kLeft == Left::kAny ? 1 : 4;
  // x86 adds one or two strides to an address for nothing: three rows share a
  // pointer.
  constexpr int kPerPointer = kPacked ? kRows : 3;
  constexpr int kPointers = (kRows + kPerPointer - 1) / kPerPointer;
  const int64_t a_row = kPacked ? 1 : t.a_row, a_step = kPacked ? kTileRows : kLeft == Left::kRowMajor ? 1 : t.a_step;
  const int64_t b_step = t.b_step;
  const T* a[kPointers];
#pragma GCC unroll 8
  for (int g = 0; g < kPointers; ++g) a[g] = t.a + kPerPointer * g * a_row;
  const T* b = t.b;
  T* a_copy = t.a_copy;
  T* b_copy = t.b_copy;
  {
    const T* c = t.c;
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i, c += t.ldc) __builtin_prefetch(c, 1);
  }

  const Edge<T> edge(kEdge ? t.cols - (kVecs - 1) * kLanes<T> : 0);
  Vec<T> acc[kRows][kVecs] = {};
  // Barriers, or the compiler would keep a pointer per row and step.
  const auto advance = [&](int steps) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int g = 0; g < kPointers; ++g) {
      a[g] += steps * a_step;
      asm("" : "+r"(a[g]));
    }
  };
  const auto steps = [&]<int kSteps>() __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (int u = 0; u < kSteps; ++u) {
      Vec<T> bv[kVecs];
      for (int j = 0; j < kVecs; ++j) {
        const T* const bj = b + j * kLanes<T>;
        bv[j] = kEdge && j == kVecs - 1 ? edge.load(bj) : load(bj);
        if constexpr (kCopy == Copy::kB) store(b_copy + j * kLanes<T>, bv[j]);
      }
      if constexpr (kCopy == Copy::kB) {
        __builtin_prefetch(b + kCopyAhead * b_step, 0, 2);
        __builtin_prefetch(b + kCopySoon * b_step + kVecs * kLanes<T> - 1);
      }
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const T* const ai = a[i / kPerPointer] + i % kPerPointer * a_row + (kPacked ? u * a_step : 0);
        if constexpr (kCopy == Copy::kA) copy_element(ai, a_copy + i);
        const Vec<T> av = broadcast(*ai);
        for (int j = 0; j < kVecs; ++j) add_product<T>(acc[i][j], av, bv[j]);
      }
      b += b_step;
      asm("" : "+r"(b));
      if constexpr (!kPacked) advance(1);
    }
    if constexpr (kPacked) advance(kSteps);
    if constexpr (kCopy == Copy::kA) a_copy += kTileRows;
    if constexpr (kCopy == Copy::kB) b_copy += kVecs * kLanes<T>;
  };
  int64_t p = t.k;
  for (; p >= kUnroll; p -= kUnroll) steps.template operator()<kUnroll>();
  if constexpr (kUnroll > 1)
    for (; p > 0; --p) steps.template operator()<1>();

  constexpr int kCols = kVecs * kLanes<T>;
  // From here on the tile is read again: what would be kept over the steps would have to be saved.
  const GemmTile<T>* tile = &t;
  asm("" : "+r"(tile));
  const int64_t ldc = tile->ldc;
  T* c = tile->c;
  const bool plain = !tile->bias && !tile->add && !tile->relu;
  if (plain && tile->cols >= kCols) {
    if (tile->accumulate) {
      const T* from = c;
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i, from += ldc)
        for (int j = 0; j < kVecs; ++j) acc[i][j] += load(from + j * kLanes<T>);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i, c += ldc)
      for (int j = 0; j < kVecs; ++j) store(c + j * kLanes<T>, acc[i][j]);
    return;
  }
  if constexpr (kEdge)
    if (plain && !tile->accumulate) {
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i, c += ldc) {
        for (int j = 0; j < kVecs - 1; ++j) store(c + j * kLanes<T>, acc[i][j]);
        edge.store(c + (kVecs - 1) * kLanes<T>, acc[i][kVecs - 1]);
      }
      return;
    }
  T sums[kRows][kCols];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
    for (int j = 0; j < kVecs; ++j) store(&sums[i][j * kLanes<T>], acc[i][j]);
  finish(*tile, &sums[0][0], kRows, kCols);
}

template <class T, int kVecs, int kRows>
constexpr void fill_edges(GemmFn<T>* table) {
  table[kRows - 1] = micro_kernel<T, kRows, kVecs, Left::kAny, Copy::kNone, kMaskedLoads>;
  if constexpr (kRows > 1) fill_edges<T, kVecs, kRows - 1>(table);
}

template <class T, int kRows = kTileRows>
constexpr void fill(GemmKernels<T>& table) {
  table.packed[kRows - 1] = micro_kernel<T, kRows, kTileVecs, Left::kPacked>;
  table.row_major[kRows - 1] = micro_kernel<T, kRows, kTileVecs, Left::kRowMajor>;
  table.any[kRows - 1] = micro_kernel<T, kRows, kTileVecs, Left::kAny>;
  table.copying_a[kRows - 1] = micro_kernel<T, kRows, kTileVecs, Left::kAny, Copy::kA>;
  table.copying_b[kRows - 1] = micro_kernel<T, kRows, kTileVecs, Left::kAny, Copy::kB>;
  if constexpr (kRows > 1) fill<T, kRows - 1>(table);
}

template <class T>
constexpr GemmKernels<T> kernels() {
  GemmKernels<T> table{kTileRows, kTileCols<T>, kNarrowRows, kWideRows};
  fill(table);
  fill_edges<T, kTileVecs / 2, kNarrowRows>(table.narrow);
  fill_edges<T, kTileVecs * 3 / 2, kWideRows>(table.wide);
  if constexpr (kMaskedLoads) fill_edges<T, kTileVecs, kTileRows>(table.edge);
  return table;
}

}  // namespace

namespace TFMINI_ISA {
constinit const GemmKernelTable gemm_kernel_table = {kernels<float>(), kernels<double>()};
}

}  // namespace tfmini::simd
