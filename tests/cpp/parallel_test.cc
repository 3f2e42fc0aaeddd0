// The thread pool: every index once, nested and concurrent calls, exceptions, cancellation, fork.
#include "core/parallel.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "check.h"
#include "core/error.h"
#include "core/interrupt.h"

namespace tfmini {
namespace {

int64_t sum_below(int64_t n, int64_t grain) {
  std::atomic<int64_t> sum{0};
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    int64_t part = 0;
    for (int64_t i = begin; i < end; ++i) part += i;
    sum += part;
  });
  return sum;
}

void covers_the_range() {
  for (int64_t n : {0, 1, 2, 63, 1000})
    for (int64_t grain : {1, 7, 64, 5000}) CHECK(sum_below(n, grain) == n * (n - 1) / 2);
  for (int i = 0; i < 2000; ++i) CHECK(sum_below(1000, 7) == 499500);
}

// 100 items in chunks of at most 7 are 15 chunks, of 7 and one of 2; of at most 60, 2 chunks of 50.
void chunks_are_even_and_do_not_depend_on_threads() {
  for (int threads : {0, 1, 3}) {
    ThreadLimit limit(threads);
    std::atomic<int> wrong{0};
    parallel_for(100, 7,
                 [&](int64_t begin, int64_t end) { wrong += begin % 7 != 0 || end - begin != (begin == 98 ? 2 : 7); });
    parallel_for(100, 60, [&](int64_t begin, int64_t end) { wrong += begin % 50 != 0 || end - begin != 50; });
    parallel_for(65536, 21845,
                 [&](int64_t begin, int64_t end) { wrong += begin % 16384 != 0 || end - begin != 16384; });
    parallel_for(10001, 5000, [&](int64_t begin, int64_t end) { wrong += begin % 64 != 0 || end - begin > 3392; });
    CHECK(wrong == 0);
  }
}

// By calculation, for a machine with 64 cores: work that is worth all of them (8 ms on one) makes several
// chunks for each, so that none waits long for the last; a chunk stays worth its hand-over of about 1 us,
// and what takes less than a chunk's time stays on the calling thread.
void suits_64_cores() {
  constexpr double kCores = 64, kNanoseconds = 8e6;
  for (double cost : {0.1, 0.5, 4.0, 100.0, 3000.0}) {
    const double n = kNanoseconds / cost;
    const auto grain = static_cast<double>(grain_for_cost(cost));
    CHECK(n / grain >= 4 * kCores && grain * cost >= 10e3);
  }
  for (int64_t bytes : {1, 4, 12, 512, 4096, 65536}) {
    const int64_t n = (int64_t{256} << 20) / bytes;
    CHECK(n / grain_for_bytes(bytes) >= 4 * 64 && grain_for_bytes(bytes) * bytes >= (128 << 10));
  }
  CHECK(grain_for_cost(1e6) == 1 && grain_for_bytes(int64_t{1} << 30) == 1 && grain_for_bytes(0) > 1);
  CHECK(grain_for_bytes(12) >= 20000 && grain_for_cost(0.5) >= 40000);
}

void nests_inline() {
  parallel_for(10, 1, [](int64_t, int64_t) {
    CHECK(max_threads() == 1);
    CHECK(sum_below(100, 3) == 4950);
  });
  CHECK(max_threads() > 1 || available_cores() == 1);
}

void serves_many_callers() {
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i)
    callers.emplace_back([] {
      for (int r = 0; r < 300; ++r) CHECK(sum_below(1000, 7) == 499500);
    });
  for (auto& t : callers) t.join();
}

void reports_the_first_chunk_that_failed() {
  for (int r = 0; r < 300; ++r) {
    bool caught = false;
    try {
      parallel_for(100, 1, [](int64_t begin, int64_t) {
        if (begin >= 37) fail(Code::kOutOfRange, "at ", begin);
      });
    } catch (const Error& e) {
      caught = e.message() == "at 37";
    }
    CHECK(caught);
  }
}

void stops_when_interrupted() {
  using Clock = std::chrono::steady_clock;
  const auto long_loop = [] {
    parallel_for(2000, 1, [](int64_t, int64_t) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
  };
  const auto start = Clock::now();
  bool cancelled = false;
  try {
    CancelScope scope([&] { return Clock::now() - start > std::chrono::milliseconds(30); });
    long_loop();
  } catch (const Error& e) {
    cancelled = e.code() == Code::kCancelled;
  }
  CHECK(cancelled && Clock::now() - start < std::chrono::milliseconds(200));

  CancelScope scope([] { return true; });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  InterruptMask mask;
  CHECK(!interrupted() && sum_below(1000, 7) == 499500);
}

void survives_fork() {
  for (int i = 0; i < 10; ++i) {
    std::thread busy([] { CHECK(sum_below(100000, 7) == 4999950000); });
    const pid_t child = fork();
    if (child == 0) _exit(sum_below(1000, 7) == 499500 ? 0 : 1);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    busy.join();
  }
}

}  // namespace
}  // namespace tfmini

int main() {
  using namespace tfmini;
  covers_the_range();
  chunks_are_even_and_do_not_depend_on_threads();
  suits_64_cores();
  nests_inline();
  serves_many_callers();
  reports_the_first_chunk_that_failed();
  stops_when_interrupted();
#if !defined(__SANITIZE_THREAD__)  // cannot follow a child that starts threads
  survives_fork();
#endif
}
