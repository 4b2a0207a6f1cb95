#include "db/testing/store_conformance.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/file.h"
#include "base/status_matchers.h"
#include "db/testing/store_fixtures.h"

namespace frostnas::db {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreConformance);

StoreConformance::StoreConformance() {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = absl::StrCat(info->test_suite_name(), info->name());
  for (char& c : name) c = c == '/' ? '_' : c;
  folder_ = JoinPath(::testing::TempDir(), name);
  CHECK_OK(RemoveTree(folder_));
  CHECK_OK(MakeDirs(folder_));
  store_ = GetParam().make(folder_, &clock_);
}

StoreConformance::~StoreConformance() {
  store_.reset();
  EXPECT_OK(RemoveTree(folder_));
}

std::string StoreConformance::NewStudy() {
  static int requests = 0;
  const auto study =
      store_->CreateStudy(absl::StrCat("request ", ++requests), TestSpec());
  CHECK_OK(study);
  return study->id();
}

void StoreConformance::AddTrials(const std::string& study, int n) {
  std::vector<v1::Trial> trials;
  for (int i = 1; i <= n; ++i) trials.push_back(TestTrial(i));
  CHECK_OK(store_->CreateTrials(study, trials));
}

v1::Task StoreConformance::AddTask(const std::string& study,
                                   const NewTask& task) {
  const auto tasks = store_->CreateTasks(study, {task});
  CHECK_OK(tasks);
  return tasks->front();
}

std::string StoreConformance::SignIn(const v1::RegisterRequest& worker) {
  const std::string session = absl::StrCat("s-", worker.worker_id());
  CHECK_OK(store_->RegisterWorker(worker, session));
  return session;
}

v1::Lease StoreConformance::MustLease(const std::string& session) {
  const auto lease = store_->LeaseTask(session, kLease);
  CHECK_OK(lease);
  CHECK(lease->has_value()) << "no task for " << session;
  return **lease;
}

bool StoreConformance::GetsLease(const std::string& session) {
  const auto lease = store_->LeaseTask(session, kLease);
  CHECK_OK(lease);
  return lease->has_value();
}

void StoreConformance::Work(const std::string& session,
                            const v1::TaskResult& result) {
  const v1::Lease lease = MustLease(session);
  const auto done =
      store_->CompleteTask(OkCompletion(RefOf(session, lease), result));
  ASSERT_OK(done);
  EXPECT_TRUE(done->counted);
}

TaskState StoreConformance::StateOf(const v1::Task& task) {
  const auto record = store_->GetTask(task.id());
  CHECK_OK(record);
  return record->state;
}

v1::Trial StoreConformance::TrialOf(const std::string& study, int id) {
  const auto trial = store_->GetTrial(study, id);
  CHECK_OK(trial);
  return *trial;
}

std::vector<v1::AttemptOutcome> StoreConformance::OutcomesOf(
    const v1::Task& task) {
  const auto attempts = store_->ListAttempts(task.id());
  CHECK_OK(attempts);
  std::vector<v1::AttemptOutcome> outcomes;
  for (const AttemptRecord& record : *attempts) {
    outcomes.push_back(record.attempt.outcome());
  }
  return outcomes;
}

}  // namespace frostnas::db
