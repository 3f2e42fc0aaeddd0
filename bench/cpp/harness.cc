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
    "  --device cpu|cuda   where to run (a program has rows for one of them)\n"
    "  --only TEXT         rows whose name contains TEXT\n"
    "  --budget SECONDS    time per row (default 0.5; 0: call each row once)\n"
    "  --list              names of the rows\n"
    "TFMINI_NUM_THREADS and TFMINI_CPU_ISA choose threads and instruction set.\n";

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

void check_device(const std::string& device, Suite::On on) {
  if (device != "cpu" && device != "cuda") refuse("--device: expected cpu or cuda, got '" + device + "'");
  if ((device == "cuda") != (on == Suite::On::kGpu))
    refuse("--device " + device + ": this program has rows for the " + (device == "cpu" ? "GPU" : "CPU") + " only");
}

// Waits for the first GPU; refuses where there is none.
Suite::Call settle_gpu() {
  const std::string missing = cuda_status();
  if (!missing.empty()) refuse("--device cuda: " + missing);
#if defined(TFMINI_WITH_CUDA)
  return [] { cuda::device(0).synchronize(); };
#else
  return {};
#endif
}

}  // namespace

Suite::Suite(int argc, char** argv, const char* what, On on) : left_over_{argv[0]}, on_(on), settle_([] {}) {
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
      check_device(value(), on);
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
  if (on == On::kGpu && !list_) settle_ = settle_gpu();
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
    auto* registered = ::benchmark::RegisterBenchmark(row.name.c_str(), [this, &row, peak](::benchmark::State& state) {
      const Call call = row.make();
      for (auto _ : state) {
        call();
        settle_();
      }
      const auto rate = ::benchmark::Counter::kIsIterationInvariantRate;
      if (row.work.flops > 0) {
        state.counters["FLOP/s"] = {row.work.flops, rate};
        if (on_ == On::kCpu) state.counters["of_peak"] = {row.work.flops / peak, rate};
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

// Shorter calls are timed several at once, so that reading the clock (or waiting for a GPU) does not count.
constexpr double kShortest = 20e-6, kShortestOnGpu = 5e-3;

double seconds_of(const Suite::Call& call, int times, const Suite::Call& settle) {
  const double start = probe::now();
  for (int i = 0; i < times; ++i) call();
  settle();
  return (probe::now() - start) / times;
}

}  // namespace

int Suite::run() {
  if (list_) return 0;
  if (left_over_.size() > 1) refuse(std::string(left_over_[1]) + ": this build has no Google Benchmark");
  const int threads = max_threads();
  const double peak = on_ == On::kCpu ? probe::peak_gflops(threads) : 0;
  if (on_ == On::kCpu)
    std::printf("%s, %d thread%s, peak %.0f GFLOP/s\n", isa_name(best_isa()), threads, threads == 1 ? "" : "s", peak);
  std::printf("%-40s %11s %11s %10s %7s %8s\n", "", "median us", "min us", "GFLOP/s", "% peak", "GB/s");
  for (const Row& row : rows_) {
    const Call call = row.make();
    if (on_ == On::kGpu) seconds_of(call, 1, settle_);  // loads the kernels
    const double first = seconds_of(call, 1, settle_);
    const double shortest = on_ == On::kGpu ? kShortestOnGpu : kShortest;
    const int together = budget_ == 0 ? 1 : static_cast<int>(std::clamp(shortest / first, 1.0, 1000.0));
    std::vector<double> samples;
    const double end = probe::now() + budget_;
    do {
      samples.push_back(seconds_of(call, together, settle_));
    } while (probe::now() < end || (budget_ > 0 && samples.size() < 5));
    std::sort(samples.begin(), samples.end());
    const double median = samples[samples.size() / 2];
    std::printf("%-40s %11.1f %11.1f", row.name.c_str(), 1e6 * median, 1e6 * samples[0]);
    const double gflops = 1e-9 * row.work.flops / median;
    if (row.work.flops > 0) {
      std::printf(" %10.1f", gflops);
      peak > 0 ? std::printf(" %7.1f", 100 * gflops / peak) : std::printf(" %7s", "");
    }
    if (row.work.bytes > 0) std::printf("%*s %8.1f", row.work.flops > 0 ? 0 : 19, "", 1e-9 * row.work.bytes / median);
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}

#endif

}  // namespace tfmini::bench
