#include "nn/threads.h"

#include <unistd.h>

#include <filesystem>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

class ThreadsTest : public testing::Test {
 protected:
  ThreadsTest() : before_(ComputeThreads()) {}
  ~ThreadsTest() override { SetComputeThreads(before_); }

 private:
  const int before_;
};

TEST_F(ThreadsTest, EveryItemIsHandledOnceInAFixedPart) {
  SetComputeThreads(3);
  std::vector<int> part_of(10, -1);
  ParallelFor(10, 1, [&](const Part& part) {
    for (int64_t i = part.begin; i < part.end; ++i) part_of[i] = part.index;
  });
  EXPECT_EQ(part_of, std::vector<int>({0, 0, 0, 1, 1, 1, 2, 2, 2, 2}));
}

TEST_F(ThreadsTest, SmallWorkStaysInOnePart) {
  SetComputeThreads(4);
  EXPECT_EQ(PartCount(0, 8), 1);
  EXPECT_EQ(PartCount(15, 8), 1);
  EXPECT_EQ(PartCount(16, 8), 2);
  EXPECT_EQ(PartCount(1000, 8), 4);
}

TEST_F(ThreadsTest, NestedLoopsCover) {
  SetComputeThreads(2);
  std::vector<int> seen(4);
  ParallelFor(2, 1, [&](const Part& outer) {
    for (int64_t i = outer.begin; i < outer.end; ++i) {
      ParallelFor(2, 1, [&](const Part& inner) {
        for (int64_t j = inner.begin; j < inner.end; ++j) ++seen[2 * i + j];
      });
    }
  });
  EXPECT_EQ(seen, std::vector<int>(4, 1));
}

TEST_F(ThreadsTest, TheSettingHoldsOnEveryThread) {
  SetComputeThreads(2);
  int parts = 0;
  std::thread([&] { parts = PartCount(100, 1); }).join();
  EXPECT_EQ(parts, 2);
}

TEST_F(ThreadsTest, AScopeAffectsTheThreadThatMadeIt) {
  SetComputeThreads(3);
  {
    const ScopedComputeThreads one(1);
    EXPECT_EQ(ComputeThreads(), 1);
    EXPECT_EQ(PartCount(100, 1), 1);
    {
      const ScopedComputeThreads two(2);
      EXPECT_EQ(ComputeThreads(), 2);
    }
    EXPECT_EQ(ComputeThreads(), 1);
    int elsewhere = 0;
    std::thread([&] { elsewhere = ComputeThreads(); }).join();
    EXPECT_EQ(elsewhere, 3);
  }
  EXPECT_EQ(ComputeThreads(), 3);
}

bool IsAlive(pid_t thread) {
  return std::filesystem::exists(absl::StrCat("/proc/self/task/", thread));
}

// The threads are named, not counted: threads of earlier tests may be on their
// way out meanwhile.
TEST_F(ThreadsTest, AScopeLeavesNoThreadBehind) {
  std::thread([] {
    std::vector<pid_t> team(3);
    {
      const ScopedComputeThreads three(3);
      ParallelFor(3, 1, [&](const Part& part) { team[part.index] = gettid(); });
      EXPECT_THAT(team, testing::Each(testing::Truly(IsAlive)));
    }
    ASSERT_EQ(team[0], gettid());
    ASSERT_EQ(std::set<pid_t>(team.begin(), team.end()).size(), 3);
    // A helper has left its team, if not the kernel's list.
    while (IsAlive(team[1]) || IsAlive(team[2])) std::this_thread::yield();
  }).join();
}

}  // namespace
}  // namespace frostnas::nn
