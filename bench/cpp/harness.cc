#include "harness.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/devices.h"
#include "core/parallel.h"
#include "probe.h"
#include "simd/isa.h"

#if defined(TFMINI_GOOGLE_BENCHMARK)
#include <benchmark/benchmark.h>
#endif

namespace tfmini::bench {
namespace {

constexpr const char* kOptions =
    "  --device cpu|cuda   where to run (default cpu)\n"
    "  --only TEXT         rows whose name contains TEXT\n"
    "  --budget SECONDS    time per row (default 0.5; 0: call each row once)\n"
    "  --list              names of the rows\n"
    "TFMINI_NUM_THREADS and TFMINI_CPU_ISA choose threads and instruction set.\n";

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

void check_device(const std::string& device) {
  if (device == "cpu") return;
  if (device != "cuda") refuse("--device: expected cpu or cuda, got '" + device + "'");
  const std::string missing = cuda_status();
  refuse(missing.empty() ? "--device cuda: this program has rows for the CPU only"
                         : "--device cuda: " + missing + "; --device cpu works everywhere");
}

}  // namespace

Suite::Suite(int argc, char** argv, const char* what) : left_over_{argv[0]} {
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) refuse(option + ": a value is missing");
      return argv[++i];
    };
    if (option == "--help" || option == "-h") {
      std::printf("%s\n\n%s", what, kOptions);
      std::exit(0);
    } else if (option == "--device") {
      check_device(value());
    } else if (option == "--only") {
      only_ = value();
    } else if (option == "--budget") {
      budget_ = std::atof(value().c_str());
    } else if (option == "--list") {
      list_ = true;
    } else if (option.starts_with("--benchmark_")) {
      left_over_.push_back(argv[i]);
    } else {
      refuse("unknown option " + option + "; there are\n" + kOptions);
    }
  }
}

void Suite::row(std::string name, Work work, std::function<Call()> make) {
  if (name.find(only_) == std::string::npos) return;
  if (list_) std::printf("%s\n", name.c_str());
  rows_.push_back({std::move(name), work, std::move(make)});
}

#if defined(TFMINI_GOOGLE_BENCHMARK)

int Suite::run() {
  if (list_) return 0;
  auto arguments = left_over_;
  std::string budget = "--benchmark_min_time=" + std::to_string(budget_);
  arguments.insert(arguments.begin() + 1, budget.data());
  int count = static_cast<int>(arguments.size());
  ::benchmark::Initialize(&count, arguments.data());
  if (::benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  const double peak = 1e9 * probe::peak_gflops(max_threads());
  for (const Row& row : rows_) {
    auto* registered = ::benchmark::RegisterBenchmark(row.name.c_str(), [&row, peak](::benchmark::State& state) {
      const Call call = row.make();
      for (auto _ : state) call();
      const auto rate = ::benchmark::Counter::kIsIterationInvariantRate;
      if (row.work.flops > 0) {
        state.counters["FLOP/s"] = {row.work.flops, rate};
        state.counters["of_peak"] = {row.work.flops / peak, rate};
      }
      if (row.work.bytes > 0) state.counters["B/s"] = {row.work.bytes, rate};
    });
    registered->UseRealTime();
    if (budget_ == 0) registered->Iterations(1);
  }
  ::benchmark::RunSpecifiedBenchmarks();
  return 0;
}

#else

namespace {

// Shorter calls are timed several at once, so that reading the clock does not count.
constexpr double kShortest = 20e-6;

double seconds_of(const Suite::Call& call, int times) {
  const double start = probe::now();
  for (int i = 0; i < times; ++i) call();
  return (probe::now() - start) / times;
}

}  // namespace

int Suite::run() {
  if (list_) return 0;
  if (left_over_.size() > 1) refuse(std::string(left_over_[1]) + ": this build has no Google Benchmark");
  const int threads = max_threads();
  const double peak = probe::peak_gflops(threads);
  std::printf("%s, %d thread%s, peak %.0f GFLOP/s\n", isa_name(best_isa()), threads, threads == 1 ? "" : "s", peak);
  std::printf("%-40s %11s %11s %10s %7s %8s\n", "", "median us", "min us", "GFLOP/s", "% peak", "GB/s");
  for (const Row& row : rows_) {
    const Call call = row.make();
    const double first = seconds_of(call, 1);
    const int together = budget_ == 0 ? 1 : static_cast<int>(std::clamp(kShortest / first, 1.0, 1000.0));
    std::vector<double> samples;
    const double end = probe::now() + budget_;
    do {
      samples.push_back(seconds_of(call, together));
    } while (probe::now() < end || (budget_ > 0 && samples.size() < 5));
    std::sort(samples.begin(), samples.end());
    const double median = samples[samples.size() / 2];
    std::printf("%-40s %11.1f %11.1f", row.name.c_str(), 1e6 * median, 1e6 * samples[0]);
    const double gflops = 1e-9 * row.work.flops / median;
    if (row.work.flops > 0) std::printf(" %10.1f %7.1f", gflops, 100 * gflops / peak);
    if (row.work.bytes > 0) std::printf("%*s %8.1f", row.work.flops > 0 ? 0 : 19, "", 1e-9 * row.work.bytes / median);
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

#endif

}  // namespace tfmini::bench
