#include "gemm/bf16.h"

#include <algorithm>

#include "core/parallel.h"
#include "gemm/operands.h"
#include "simd/gemm_bf16.h"
#include "simd/isa.h"

namespace tfmini {
namespace {

// Rows of A that stay in the second-level cache while panels of B pass by.
constexpr int64_t kBlockBytes = 128 << 10;
// Smaller tasks than this many multiply-adds (~10 us) are not worth a hand-over.
constexpr int64_t kMinTask = 1 << 19;

// Calls pack(panel, room for it) for all panels of `pairs` elements each, on all threads.
template <class Pack>
BufferRef packed(int64_t panels, int64_t pairs, const Pack& pack) {
  const int64_t bytes = pairs * static_cast<int64_t>(sizeof(uint32_t));
  BufferRef buffer = cpu_device().allocate(static_cast<size_t>(panels * bytes));
  uint32_t* const room = static_cast<uint32_t*>(buffer->data());
  parallel_for(panels, grain_for_bytes(bytes), [&](int64_t first, int64_t last) {
    for (int64_t x = first; x < last; ++x) pack(x, room + x * pairs);
  });
  return buffer;
}

}  // namespace

bool has_bf16_products() {
#if defined(TFMINI_ONLY_BASE_ISA)
  return false;
#else
  static const bool supported = __builtin_cpu_supports("avx512bf16");
  return supported && best_isa() == Isa::kAVX512;
#endif
}

void gemm_bf16(int64_t m, int64_t n, int64_t k, const MatrixRef<BFloat16>& a, const MatrixRef<BFloat16>& b,
               BFloat16* c) {
  if (m <= 0 || n <= 0) return;
  const auto& table = simd::bf16_table();
  const simd::Bf16Fn* const kernels = has_bf16_products() ? table.instruction : table.portable;
  const int64_t pairs = ceil_div(k, 2), col_panels = ceil_div(n, table.cols);
  const RowPanels rows(m, table.rows);
  const int64_t a_panel = pairs * table.rows, b_panel = pairs * table.cols;
  const auto columns = [&](int64_t j) { return static_cast<int>(std::min<int64_t>(table.cols, n - j * table.cols)); };
  const BufferRef a_packed = packed(rows.count, a_panel, [&](int64_t q, uint32_t* to) {
    table.pack_a(a.at(rows.first(q), 0), a.row_stride, a.col_stride, static_cast<int>(rows.rows(q)), k, to);
  });
  const BufferRef b_packed = packed(col_panels, b_panel, [&](int64_t j, uint32_t* to) {
    table.pack_b(b.at(0, j * table.cols), b.col_stride, b.row_stride, columns(j), k, to);
  });
  const auto* const a_panels = static_cast<const uint32_t*>(a_packed->data());
  const auto* const b_panels = static_cast<const uint32_t*>(b_packed->data());

  // Items are panels of B with a block of rows; the work may be cut anywhere, for no sum is.
  const int64_t panel_bytes = std::max<int64_t>(1, a_panel * static_cast<int64_t>(sizeof(uint32_t)));
  const int64_t block = std::clamp<int64_t>(kBlockBytes / panel_bytes, 1, rows.count);
  const int64_t item_work = block * table.rows * table.cols * std::max<int64_t>(k, 1);
  parallel_for(ceil_div(rows.count, block) * col_panels, std::max<int64_t>(1, kMinTask / item_work),
               [&](int64_t first, int64_t last) {
                 for (int64_t t = first; t < last; ++t) {
                   const int64_t j = t % col_panels, q0 = t / col_panels * block;
                   for (int64_t q = q0; q < std::min(rows.count, q0 + block); ++q)
                     kernels[rows.rows(q) - 1](pairs, a_panels + q * a_panel, b_panels + j * b_panel,
                                               c + rows.first(q) * n + j * table.cols, n, columns(j));
                 }
               });
}

}  // namespace tfmini
