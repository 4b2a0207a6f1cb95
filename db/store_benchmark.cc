// Durable lease + complete cycles a second, and front queries over a large
// study. Run on an otherwise idle machine; the folder is $TEST_TMPDIR or /tmp.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "benchmark/benchmark.h"
#include "db/sqlite_store.h"
#include "db/testing/store_fixtures.h"

namespace frostnas::db {
namespace {

constexpr int kTrials = 10'000;
constexpr int kTasks = 40'000;

struct Bench {
  Bench() : folder(*TempDir::Create()) {
    auto opened =
        OpenSqliteStore(JoinPath(folder.path(), "bench.db"), &RealClock());
    CHECK_OK(opened);
    store = *std::move(opened);
    const auto made = store->CreateStudy("bench", TestSpec());
    CHECK_OK(made);
    study = made->id();
  }

  TempDir folder;
  std::unique_ptr<Store> store;
  std::string study;
};

Bench* bench = nullptr;

void MakeTasks(const benchmark::State&) {
  bench = new Bench;
  StudyStep step;
  for (int i = 1; i <= 1000; ++i) step.new_trials.push_back(TestTrial(i));
  for (int i = 0; i < kTasks; ++i) {
    NewTask task = AccuracyTask(1 + i % 1000);
    task.key = absl::StrCat(i);
    step.new_tasks.push_back(std::move(task));
  }
  CHECK_OK(bench->store->CommitStep(bench->study, step));
}

void MakeFront(const benchmark::State&) {
  bench = new Bench;
  StudyStep step;
  step.front.emplace();
  for (int i = 1; i <= kTrials; ++i) {
    step.new_trials.push_back(TestTrial(i));
    TrialUpdate& update = step.trial_updates.emplace_back();
    update.trial_id = i;
    update.accuracy = AccuracyOf(1.0 / i).accuracy();
    for (const char* device : {"host", "adb:1"}) {
      update.latency.push_back(
          LatencyOf(device, 1000 + i).latency().measurement());
    }
    if (i % 250 == 0) step.front->push_back(i);
  }
  CHECK_OK(bench->store->CommitStep(bench->study, step));
}

void TearDown(const benchmark::State&) {
  delete bench;
  bench = nullptr;
}

void LeaseAndComplete(benchmark::State& state) {
  const std::string session = absl::StrCat("s", state.thread_index());
  CHECK_OK(bench->store->RegisterWorker(TestWorker(session), session));
  for (auto _ : state) {
    const auto lease = bench->store->LeaseTask(session, absl::Minutes(1));
    CHECK_OK(lease);
    CHECK(lease->has_value()) << "raise kTasks";
    CHECK_OK(bench->store->CompleteTask(
        OkCompletion(RefOf(session, **lease), AccuracyOf(0.5))));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(LeaseAndComplete)
    ->Setup(MakeTasks)
    ->Teardown(TearDown)
    ->UseRealTime()
    ->Threads(1)
    ->Threads(8)
    ->Threads(32)
    ->Threads(128);

void ListObjectives(benchmark::State& state) {
  for (auto _ : state) {
    const auto objectives = bench->store->ListObjectives(bench->study, "host");
    CHECK_OK(objectives);
    CHECK_EQ(objectives->size(), size_t{kTrials});
  }
}
BENCHMARK(ListObjectives)
    ->Setup(MakeFront)
    ->Teardown(TearDown)
    ->Unit(benchmark::kMillisecond);

void ListFront(benchmark::State& state) {
  for (auto _ : state) {
    const auto front = bench->store->ListFront(bench->study);
    CHECK_OK(front);
    CHECK_EQ(front->size(), size_t{kTrials / 250});
  }
}
BENCHMARK(ListFront)->Setup(MakeFront)->Teardown(TearDown)->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace frostnas::db
