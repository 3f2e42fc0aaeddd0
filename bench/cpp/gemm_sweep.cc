// Cliffs between small matrix products: m, n and k in turn go through 1...64 while the other two stand still, in all
// four ways of storing the operands. A size is reported
//
//   slower   if it takes over 1.3 times as long as a larger one of its row, or
//   jump     if it takes over 1.3 times as long as the next smaller one, beyond what a larger product costs when
//            counted in whole vectors (n, k) or register tiles (m): 9 columns may take twice as long as 8.
//
// A row is measured in rounds over all its sizes, and the best time of each size counts. What else a machine does comes
// and goes in seconds, so rows with cliffs are measured again after all others, and again, until only those are left
// that stay.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/parallel.h"
#include "gemm/gemm.h"
#include "gemm/operands.h"
#include "probe.h"
#include "simd/gemv.h"
#include "simd/isa.h"

namespace tfmini::bench {
namespace {

constexpr int kLast = 64;
constexpr double kCliff = 1.3;
constexpr int kRounds = 9, kPasses = 8;
constexpr int64_t kOthers[] = {1, 7, 16, 32, 64, 256};

struct Options {
  std::string only;       // rows whose name contains it
  double sample = 16e-6;  // seconds; 0: each product once
  bool print_all = false;
};

int64_t vector_bytes() { return best_isa() == Isa::kAVX512 ? 64 : best_isa() == Isa::kAVX2 ? 32 : 16; }

// How much longer `size` rows, columns or steps may take than one less. Rows of a product of few columns are its lanes.
template <class T>
double growth(char dimension, int64_t size, int64_t cols) {
  const int64_t lanes = vector_bytes() / static_cast<int64_t>(sizeof(T));
  const double less = static_cast<double>(size - 1);
  if (dimension != 'm' || cols <= simd::kThinRows) return static_cast<double>(round_up(size, lanes)) / less;
  // A step of a tile takes a cycle per row, but no less than an addition, four cycles.
  const auto cycles = [](int64_t rows) {
    const RowPanels tiles(rows, gemm_kernels<T>().rows);
    double sum = 0;
    for (int64_t q = 0; q < tiles.count; ++q) sum += static_cast<double>(std::max<int64_t>(4, tiles.rows(q)));
    return sum;
  };
  return std::max(static_cast<double>(size) / less, cycles(size) / cycles(size - 1));
}

template <class T>
class Row {
 public:
  // sizes: m, n, k; the one numbered `moved` is what moves.
  Row(const int64_t (&sizes)[3], int moved, bool ta, bool tb) : moved_(moved), ta_(ta), tb_(tb) {
    std::copy_n(sizes, 3, sizes_);
  }

  std::string name() const {
    std::string out = sizeof(T) == 4 ? "f32_" : "f64_";
    out += ta_ ? 'T' : 'N';
    out += tb_ ? 'T' : 'N';
    for (int d = 0; d < 3; ++d) out += std::string("_") + "mnk"[d] + (d == moved_ ? "*" : std::to_string(sizes_[d]));
    return out;
  }

  // Times all sizes, in rounds.
  void measure(double sample) {
    int64_t largest[3];
    for (int d = 0; d < 3; ++d) largest[d] = d == moved_ ? kLast : sizes_[d];
    const Matrix a(largest[0] * largest[2]), b(largest[2] * largest[1]), c(largest[0] * largest[1]);
    int together[kLast + 1];
    for (int size = 1; size <= kLast; ++size) {
      sizes_[moved_] = size;
      multiply(a, b, c);
      if (sample == 0) continue;
      const double start = probe::now();
      multiply(a, b, c);
      together[size] = static_cast<int>(std::clamp(sample / (probe::now() - start), 1.0, 1000.0));
    }
    for (int round = 0; sample > 0 && round < kRounds; ++round)
      for (int size = 1; size <= kLast; ++size) {
        sizes_[moved_] = size;
        const double start = probe::now();
        for (int i = 0; i < together[size]; ++i) multiply(a, b, c);
        best_[size] = std::min(best_[size], (probe::now() - start) / together[size]);
      }
  }

  // How many there are, and a line for each.
  int cliffs(std::string* lines) const {
    int found = 0;
    double faster = 1e9;  // the fastest of all larger sizes
    lines->clear();
    for (int size = kLast; size >= 1; --size) {
      const double smaller = best_[std::max(size - 1, 1)];
      const auto add_if = [&](double ratio, const char* kind) {
        if (ratio <= kCliff) return;
        char line[160];
        std::snprintf(line, sizeof line, "  %c = %-2d %-6s %.2fx  (%.3f %.3f %.3f us)\n", "mnk"[moved_], size, kind,
                      ratio, 1e6 * smaller, 1e6 * best_[size], 1e6 * best_[std::min(size + 1, kLast)]);
        *lines = line + *lines;
        ++found;
      };
      add_if(best_[size] / faster, "slower");
      if (size > 1) add_if(best_[size] / (smaller * growth<T>("mnk"[moved_], size, sizes_[1])), "jump");
      faster = std::min(faster, best_[size]);
    }
    return found;
  }

  void print_times() const {
    for (int size = 1; size <= kLast; ++size) std::printf("%8.3f%s", 1e6 * best_[size], size % 16 == 0 ? "\n" : "");
  }

 private:
  // Where tensors are: at the start of a line.
  struct Matrix {
    BufferRef buffer;
    T* data;
    explicit Matrix(int64_t elements)
        : buffer(cpu_device().allocate(static_cast<size_t>(elements) * sizeof(T))),
          data(static_cast<T*>(buffer->data())) {
      std::fill_n(data, elements, T(0.5));
    }
  };

  void multiply(const Matrix& a, const Matrix& b, const Matrix& c) const {
    const auto [m, n, k] = sizes_;
    gemm<T>(m, n, k, row_major<T>(a.data, ta_ ? m : k, ta_), row_major<T>(b.data, tb_ ? k : n, tb_), c.data, n);
  }

  int64_t sizes_[3];
  int moved_;
  bool ta_, tb_;
  std::vector<double> best_ = std::vector<double>(kLast + 1, 1e9);
};

// Cliffs found in rows of float or double.
template <class T>
int sweep(const Options& options, int* count) {
  std::vector<Row<T>> rows;
  for (int moved = 0; moved < 3; ++moved)
    for (int64_t x : kOthers)
      for (int64_t y : kOthers)
        for (int flags = 0; flags < 4; ++flags) {
          const int64_t sizes[3] = {moved == 0 ? 0 : x, moved == 1 ? 0 : moved == 0 ? x : y, moved == 2 ? 0 : y};
          rows.emplace_back(sizes, moved, flags & 2, flags & 1);
          if (rows.back().name().find(options.only) == std::string::npos) rows.pop_back();
        }
  *count += static_cast<int>(rows.size());
  std::string lines;
  for (Row<T>& row : rows) row.measure(options.sample);
  if (options.sample == 0) return 0;
  for (int pass = 1; pass < kPasses; ++pass)
    for (Row<T>& row : rows)
      if (row.cliffs(&lines) > 0) row.measure(options.sample);
  int found = 0;
  for (const Row<T>& row : rows) {
    const int cliffs = row.cliffs(&lines);
    found += cliffs;
    if (cliffs > 0 || options.print_all) std::printf("%s\n%s", row.name().c_str(), lines.c_str());
    if (options.print_all) row.print_times();
  }
  return found;
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--all") {
      options.print_all = true;
    } else if (option == "--only" && i + 1 < argc) {
      options.only = argv[++i];
    } else if (option == "--budget" && i + 1 < argc) {
      options.sample = std::atof(argv[++i]);
    } else {
      std::fprintf(stderr,
                   "Cliffs between the times of matrix products of neighbouring sizes.\n\n"
                   "  --only TEXT       rows whose name contains TEXT, e.g. f32_NT or m64_n*\n"
                   "  --budget SECONDS  of a sample (default 16e-6; 0: each product once, for its mistakes)\n"
                   "  --all             print all times\n");
      return option == "--help" ? 0 : 2;
    }
  }
  const ThreadLimit one_thread(1);
  int rows = 0;
  int found = sweep<float>(options, &rows);
  found += sweep<double>(options, &rows);
  std::printf("%s: %d rows of %d sizes, %d cliffs\n", isa_name(best_isa()), rows, kLast, found);
  return 0;
}

}  // namespace
}  // namespace tfmini::bench

int main(int argc, char** argv) { return tfmini::bench::run(argc, argv); }
