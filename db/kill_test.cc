// The power cut: a child process works on a store and is killed with SIGKILL
// at a random moment, many times on one file. Whatever it said was done must
// be there, and the rows must agree with each other.

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "db/migrations/migrations.h"
#include "db/sqlite/database.h"
#include "db/sqlite_store.h"
#include "db/testing/store_fixtures.h"
#include "gtest/gtest.h"

namespace frostnas::db {
namespace {

constexpr int kRounds = 12;

// One acknowledged cycle: a trial, its checkpoint, its counted result.
struct Cycle {
  int32_t trial = 0;
  int32_t blob = 0;  // of its AccuracyOf
};

std::unique_ptr<Store> MustOpen(const std::string& path) {
  auto store = OpenSqliteStore(path, &RealClock());
  CHECK_OK(store);
  return *std::move(store);
}

std::string MustMakeStudy(Store& store) {
  const auto study = store.CreateStudy("the one", TestSpec());
  CHECK_OK(study);
  return study->id();
}

// Makes a trial with its task and checkpoint in one step, works it off, and
// returns what was acknowledged.
Cycle DoCycle(Store& store, const std::string& study, int number) {
  StudyStep step;
  step.new_trials = {TestTrial(number)};
  step.new_tasks = {AccuracyTask(number, 100)};
  step.checkpoint = Checkpoint{absl::StrCat(number), {FakeDigest(number)}};
  CHECK_OK(store.CommitStep(study, step));
  while (true) {
    const auto lease = store.LeaseTask("s", absl::Hours(1));
    CHECK_OK(lease);
    CHECK(lease->has_value());
    const int trial = (*lease)->task().trial_id();
    const int blob = 10'000 * trial + getpid() % 10'000;
    CHECK_OK(store.CompleteTask(
        OkCompletion(RefOf("s", **lease), AccuracyOf(0.5, blob))));
    // Tasks of the process before come first.
    if (trial == number) return {trial, blob};
  }
}

// Works until it is killed; writes each cycle to `fd` once it is done.
[[noreturn]] void Child(const std::string& path, int fd) {
  const auto store = MustOpen(path);
  const std::string study = MustMakeStudy(*store);
  CHECK_OK(store->RegisterWorker(TestWorker("w"), absl::StrCat(getpid())));
  CHECK_OK(store->RegisterWorker(TestWorker("w"), "s"));
  const auto checkpoint = store->GetCheckpoint(study);
  CHECK_OK(checkpoint);
  int number = *checkpoint ? std::stoi((*checkpoint)->state) : 0;
  while (true) {
    const Cycle cycle = DoCycle(*store, study, ++number);
    CHECK_EQ(write(fd, &cycle, sizeof cycle), sizeof cycle);
  }
}

// Lets a child do `cycles`, gives the processor away `yields` times more, and
// kills it wherever that finds it.
std::vector<Cycle> RunAndKill(const std::string& path, int cycles,
                              uint64_t yields) {
  int fds[2];
  CHECK_EQ(pipe(fds), 0);
  const pid_t child = fork();
  CHECK_GE(child, 0);
  if (child == 0) {
    close(fds[0]);
    Child(path, fds[1]);
  }
  close(fds[1]);
  std::vector<Cycle> done;
  Cycle cycle;
  while (static_cast<int>(done.size()) < cycles &&
         read(fds[0], &cycle, sizeof cycle) == sizeof cycle) {
    done.push_back(cycle);
  }
  for (uint64_t i = 0; i < yields; ++i) sched_yield();
  kill(child, SIGKILL);
  int status = 0;
  CHECK_EQ(waitpid(child, &status, 0), child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      << "the child ended by itself";
  while (read(fds[0], &cycle, sizeof cycle) == sizeof cycle) {
    done.push_back(cycle);
  }
  close(fds[0]);
  return done;
}

// What every store file has to fulfil, whenever its process died.
void ExpectConsistent(const std::string& path) {
  ASSERT_OK_AND_ASSIGN(
      const auto database,
      sqlite::Database::Open(path, sqlite::OpenMode::kReadWrite));
  EXPECT_OK(CheckVersion(database.get(), CurrentVersion()));
  ASSERT_OK_AND_ASSIGN(sqlite::Statement check,
                       database->Query("PRAGMA integrity_check"));
  ASSERT_OK(check.Step());
  EXPECT_EQ(check.Text(0), "ok");
  // A step is whole: a trial has its task, the last one is the checkpoint's.
  EXPECT_THAT(database->QueryInt(-1,
                                 "SELECT count(*) FROM trials WHERE NOT EXISTS "
                                 "(SELECT 1 FROM tasks WHERE trial = id)"),
              IsOkAndHolds(0));
  EXPECT_THAT(database->QueryInt(
                  -1,
                  "SELECT coalesce(max(id), 0) = (SELECT CAST(CAST(state AS "
                  "TEXT) AS INTEGER) FROM checkpoints) FROM trials"),
              IsOkAndHolds(1));
  // A result counts once, and in its trial.
  EXPECT_THAT(database->QueryInt(
                  -1,
                  "SELECT count(*) FROM tasks WHERE (state = 3) <> (SELECT "
                  "count(*) FROM attempts WHERE task = seq AND outcome = 1)"),
              IsOkAndHolds(0));
  EXPECT_THAT(database->QueryInt(-1,
                                 "SELECT count(*) FROM tasks JOIN trials ON "
                                 "trials.id = tasks.trial WHERE "
                                 "(tasks.state = 3) <> (int8_top1 = 0.5)"),
              IsOkAndHolds(0));
}

TEST(KillTest, WhatWasAcknowledgedSurvivesSigkillAtAnyMoment) {
  ASSERT_OK_AND_ASSIGN(const TempDir folder, TempDir::Create());
  const std::string path = JoinPath(folder.path(), "killed.db");
  Random random(20260101);
  std::vector<Cycle> acknowledged;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t yields = random.UniformInt(20'000);
    for (const Cycle& cycle :
         RunAndKill(path, 1 + static_cast<int>(random.UniformInt(4)), yields)) {
      acknowledged.push_back(cycle);
    }
    SCOPED_TRACE(absl::StrCat("round ", round, ", yields ", yields));
    ExpectConsistent(path);
    const auto store = MustOpen(path);
    const std::string study = MustMakeStudy(*store);
    for (const Cycle& cycle : acknowledged) {
      ASSERT_OK_AND_ASSIGN(const v1::Trial trial,
                           store->GetTrial(study, cycle.trial));
      EXPECT_EQ(trial.weights_sha256(), FakeDigest(cycle.blob));
    }
  }
  EXPECT_GE(acknowledged.size(), size_t{kRounds});
}

}  // namespace
}  // namespace frostnas::db
