// A fixed number of threads that run closures.
//
//   ThreadPool pool(4);
//   pool.Schedule([&] { ... });
//   pool.Wait();
//   pool.ParallelFor(images.size(), [&](int64_t begin, int64_t end) { ... });
//
// Safe on any thread, but a closure must not call Wait or ParallelFor of the
// pool it runs on.

#ifndef FROSTNAS_BASE_THREAD_POOL_H_
#define FROSTNAS_BASE_THREAD_POOL_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"

namespace frostnas {

class ThreadPool {
 public:
  // Starts `num_threads` >= 1 threads.
  explicit ThreadPool(int num_threads);

  // Runs what was scheduled to the end, then joins.
  ~ThreadPool();

  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return static_cast<int>(threads_.size()); }

  // Closures start in the order of scheduling. They must not throw.
  void Schedule(std::function<void()> closure);

  // Blocks until nothing is scheduled or running.
  void Wait();

  // Calls body(begin, end) on ranges that together cover [0, count) once, the
  // calling thread included, and returns when all are done. The ranges depend
  // on `count` and num_threads() only.
  void ParallelFor(int64_t count,
                   absl::FunctionRef<void(int64_t, int64_t)> body);

 private:
  void Run();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return closing_ || !queue_.empty();
  }
  bool IsIdle() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return running_ == 0 && queue_.empty();
  }

  absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace frostnas

#endif  // FROSTNAS_BASE_THREAD_POOL_H_
