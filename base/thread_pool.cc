#include "base/thread_pool.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "base/check.h"

namespace frostnas {

ThreadPool::ThreadPool(int num_threads) {
  CHECK_GE(num_threads, 1);
  threads_.reserve(num_threads);
  for (int i = 0; i < num_threads; ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Schedule(std::function<void()> closure) {
  absl::MutexLock lock(&mutex_);
  queue_.push_back(std::move(closure));
}

void ThreadPool::Wait() {
  absl::MutexLock lock(&mutex_, absl::Condition(this, &ThreadPool::IsIdle));
}

void ThreadPool::Run() {
  while (true) {
    std::function<void()> closure;
    {
      absl::MutexLock lock(&mutex_,
                           absl::Condition(this, &ThreadPool::HasWork));
      if (queue_.empty()) return;
      closure = std::move(queue_.front());
      queue_.pop_front();
      ++running_;
    }
    closure();
    closure = nullptr;  // before Wait() returns
    absl::MutexLock lock(&mutex_);
    --running_;
  }
}

void ThreadPool::ParallelFor(int64_t count,
                             absl::FunctionRef<void(int64_t, int64_t)> body) {
  if (count <= 0) return;
  const int64_t ranges = std::min<int64_t>(count, num_threads() + 1);
  const auto start = [&](int64_t range) { return count * range / ranges; };
  absl::BlockingCounter pending(static_cast<int>(ranges) - 1);
  for (int64_t range = 1; range < ranges; ++range) {
    Schedule([&, range] {
      body(start(range), start(range + 1));
      pending.DecrementCount();
    });
  }
  body(0, start(1));
  pending.Wait();
}

}  // namespace frostnas
