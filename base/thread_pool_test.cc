#include "base/thread_pool.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas {
namespace {

using ::testing::Each;

TEST(ThreadPoolTest, WaitReturnsAfterEverythingRan) {
  ThreadPool pool(3);
  pool.Wait();
  std::atomic<int> ran{0};
  for (int i = 0; i < 1000; ++i) pool.Schedule([&ran] { ++ran; });
  pool.Wait();
  EXPECT_EQ(ran, 1000);
}

TEST(ThreadPoolTest, ClosuresRunAtTheSameTime) {
  ThreadPool pool(2);
  auto* barrier = new absl::Barrier(2);
  for (int i = 0; i < 2; ++i) {
    pool.Schedule([barrier] {
      if (barrier->Block()) delete barrier;
    });
  }
  pool.Wait();
}

TEST(ThreadPoolTest, OneThreadKeepsTheOrder) {
  std::vector<int> order;
  {
    ThreadPool pool(1);
    for (int i = 0; i < 5; ++i) {
      pool.Schedule([&order, i] { order.push_back(i); });
    }
  }
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST(ThreadPoolTest, ClosuresAreGoneWhenWaitReturns) {
  ThreadPool pool(2);
  auto held = std::make_shared<int>(1);
  pool.Schedule([held] {});
  pool.Wait();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(ThreadPoolTest, AParallelLoopTouchesEachItemOnce) {
  ThreadPool pool(3);
  for (const int64_t count : {0, 1, 2, 3, 4, 5, 1000}) {
    std::vector<int> touched(count, 0);
    pool.ParallelFor(count, [&touched](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++touched[i];
    });
    EXPECT_THAT(touched, Each(1));
  }
}

}  // namespace
}  // namespace frostnas
