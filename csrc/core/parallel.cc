#include "core/parallel.h"

#include <pthread.h>
#include <signal.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>

#include "core/interrupt.h"

namespace tfmini {
namespace {

using detail::RangeFn;

// Waking a sleeping thread costs ~35 us, so threads look for work this long before they sleep; a
// thread whose neighbour needs the core gives it up after at most this.
constexpr auto kSpin = std::chrono::microseconds(50);

constinit thread_local bool t_inside_chunk = false;
constinit thread_local int t_limit = 0;

inline void cpu_relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until done() or until kSpin has passed; returns done().
template <class Done>
bool spin_until(const Done& done) {
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      cpu_relax();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return done();
}

int count_cores() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Threads a parallel_for may use in all: one per core, or what TFMINI_NUM_THREADS says.
int pool_size() {
  static const int size = [] {
    const char* wish = std::getenv("TFMINI_NUM_THREADS");
    const int n = wish ? std::atoi(wish) : 0;
    return n > 0 ? std::min(n, 1024) : available_cores();
  }();
  return size;
}

// One parallel_for in progress; lives on its caller's stack. A helper thread may touch it only
// between joining and leaving, both under the pool's mutex.
struct Job {
  Job(int64_t n, int64_t grain, int64_t chunks, RangeFn fn, const void* closure, int max_helpers)
      : n(n), grain(grain), chunks(chunks), fn(fn), closure(closure), max_helpers(max_helpers) {}

  const int64_t n;
  const int64_t grain;
  const int64_t chunks;
  const RangeFn fn;
  const void* const closure;
  const int max_helpers;
  std::atomic<int64_t> next_chunk{0};
  std::atomic<int> helpers{0};
  Job* prev = nullptr;
  Job* next = nullptr;

  std::mutex error_mutex;
  int64_t error_chunk = std::numeric_limits<int64_t>::max();
  std::exception_ptr error;

  bool has_work() const { return next_chunk.load(std::memory_order_relaxed) < chunks; }

  // Runs chunks until none are left or `leave()` says so.
  template <class Leave>
  void work(bool is_caller, const Leave& leave) {
    do {
      const int64_t i = next_chunk.fetch_add(1, std::memory_order_relaxed);
      if (i >= chunks) return;
      const int64_t begin = i * grain;
      try {
        if (is_caller) throw_if_interrupted();
        fn(closure, begin, n - begin <= grain ? n : begin + grain);
      } catch (...) {
        fail(i);
      }
    } while (!leave());
  }

  // Keeps the exception of the lowest chunk: since chunks are taken in order, all lower ones have
  // been taken by now and will finish, so which one is reported does not depend on timing.
  void fail(int64_t chunk) {
    next_chunk.store(chunks, std::memory_order_relaxed);
    std::lock_guard lock(error_mutex);
    if (chunk >= error_chunk) return;
    error_chunk = chunk;
    error = std::current_exception();
  }
};

class Pool {
 public:
  // The pool of this process. Never destroyed: its threads may outlive static destructors.
  static Pool& get() {
    Pool* pool = current_.load(std::memory_order_acquire);
    return pool ? *pool : create();
  }

  void run(Job& job) {
    int wake;
    {
      std::lock_guard lock(mutex_);
      start_workers(job.max_helpers);
      add(job);
      ++active_;
      const int wanted = std::min(job.max_helpers, pool_size() - active_.load(std::memory_order_relaxed));
      wake = std::min(sleeping_, wanted - spinning_.load(std::memory_order_relaxed));
      epoch_.fetch_add(1, std::memory_order_release);
    }
    for (; wake > 0; --wake) work_posted_.notify_one();

    t_inside_chunk = true;
    job.work(true, [] { return false; });
    t_inside_chunk = false;

    {
      std::lock_guard lock(mutex_);
      remove(job);
      --active_;
      if (first_) {  // the core that becomes free may help another caller
        epoch_.fetch_add(1, std::memory_order_release);
        if (sleeping_ > 0 && spinning_.load(std::memory_order_relaxed) == 0) work_posted_.notify_one();
      }
    }
    const auto alone = [&] { return job.helpers.load(std::memory_order_acquire) == 0; };
    if (!spin_until(alone)) {
      std::unique_lock lock(mutex_);
      helper_left_.wait(lock, alone);
    }
    if (job.error) std::rethrow_exception(job.error);
  }

 private:
  static Pool& create() {
    static const int registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    (void)registered;
    Pool* mine = new Pool;
    Pool* existing = nullptr;
    if (current_.compare_exchange_strong(existing, mine, std::memory_order_acq_rel)) return *mine;
    delete mine;  // another thread was faster; this one has no workers yet
    return *existing;
  }

  // fork() copies only the calling thread. The mutex is held across it, so the child inherits a
  // consistent heap; it then forgets the pool (a few hundred bytes) and makes a fresh one when needed.
  static void before_fork() {
    if (Pool* pool = current_.load(std::memory_order_acquire)) pool->mutex_.lock();
  }
  static void after_fork_in_parent() {
    if (Pool* pool = current_.load(std::memory_order_acquire)) pool->mutex_.unlock();
  }
  static void after_fork_in_child() { current_.store(nullptr, std::memory_order_release); }

  void start_workers(int wanted) {
    if (started_ >= wanted) return;
    // Signals belong to the program's own threads.
    sigset_t all, previous;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &previous);
    try {
      for (; started_ < wanted; ++started_) std::thread([this] { worker(); }).detach();
    } catch (const std::system_error&) {
      // The system has no more threads to give: the caller does the work.
    }
    pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  }

  void worker() {
    t_inside_chunk = true;
    std::unique_lock lock(mutex_);
    for (;;) {
      if (Job* job = joinable_job()) {
        job->helpers.fetch_add(1, std::memory_order_relaxed);
        ++active_;
        lock.unlock();
        // Several callers at once and more threads than cores: the callers go on alone.
        job->work(false, [&] { return active_.load(std::memory_order_relaxed) > pool_size(); });
        lock.lock();
        --active_;
        // Last touch of *job: its caller may return as soon as it sees zero.
        if (job->helpers.fetch_sub(1, std::memory_order_release) == 1) helper_left_.notify_all();
        continue;
      }
      const uint64_t seen = epoch_.load(std::memory_order_relaxed);
      const auto posted = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
      lock.unlock();
      spinning_.fetch_add(1, std::memory_order_relaxed);
      spin_until(posted);
      spinning_.fetch_sub(1, std::memory_order_relaxed);
      lock.lock();
      if (!posted()) {
        ++sleeping_;
        work_posted_.wait(lock, posted);
        --sleeping_;
      }
    }
  }

  Job* joinable_job() const {
    if (active_.load(std::memory_order_relaxed) >= pool_size()) return nullptr;
    for (Job* job = first_; job; job = job->next)
      if (job->has_work() && job->helpers.load(std::memory_order_relaxed) < job->max_helpers) return job;
    return nullptr;
  }

  // At the end of the list: the oldest job gets help first.
  void add(Job& job) {
    job.prev = last_;
    (last_ ? last_->next : first_) = &job;
    last_ = &job;
  }
  void remove(Job& job) {
    (job.prev ? job.prev->next : first_) = job.next;
    (job.next ? job.next->prev : last_) = job.prev;
  }

  static constinit std::atomic<Pool*> current_;

  std::mutex mutex_;
  std::condition_variable work_posted_;
  std::condition_variable helper_left_;
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  int started_ = 0;
  int sleeping_ = 0;
  std::atomic<int> spinning_{0};
  std::atomic<int> active_{0};      // callers and helpers at work; written under the mutex
  std::atomic<uint64_t> epoch_{0};  // changes whenever there may be something new to join
};

constinit std::atomic<Pool*> Pool::current_{nullptr};

// As many chunks, of about the same size: of few chunks, a short one would leave a thread without work. Large ones
// begin at whole cache lines.
int64_t even(int64_t n, int64_t grain) {
  constexpr int64_t kLarge = 1024, kLine = 64;
  const int64_t chunks = (n - 1) / grain + 1, size = (n - 1) / chunks + 1;
  return size < kLarge ? size : std::min(grain, (size + kLine - 1) / kLine * kLine);
}

}  // namespace

namespace detail {

void parallel_for(int64_t n, int64_t grain, RangeFn fn, const void* closure) {
  if (n <= 0) return;
  if (n <= grain) return fn(closure, 0, n);
  if (grain < 1) grain = 1;
  grain = even(n, grain);
  const int64_t chunks = (n - 1) / grain + 1;
  const int threads = static_cast<int>(std::min<int64_t>(max_threads(), chunks));
  if (threads > 1) {
    Job job(n, grain, chunks, fn, closure, threads - 1);
    return Pool::get().run(job);
  }
  for (int64_t begin = 0; begin < n; begin += std::min(grain, n - begin)) {
    if (begin > 0) throw_if_interrupted();
    fn(closure, begin, n - begin <= grain ? n : begin + grain);
  }
}

}  // namespace detail

int available_cores() {
  static const int cores = count_cores();
  return cores;
}

int max_threads() {
  if (t_inside_chunk) return 1;
  return t_limit > 0 ? std::min(t_limit, pool_size()) : pool_size();
}

ThreadLimit::ThreadLimit(int threads) : previous_(t_limit) { t_limit = threads; }
ThreadLimit::~ThreadLimit() { t_limit = previous_; }

}  // namespace tfmini
