// What every Store promises, as tests. An implementation joins with
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
//                            ::testing::Values(StoreParam{"Memory", Make}));
//
// and links //db/testing:store_conformance, which holds the cases.
#ifndef FROSTNAS_DB_TESTING_STORE_CONFORMANCE_H_
#define FROSTNAS_DB_TESTING_STORE_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "db/store.h"
#include "gtest/gtest.h"

namespace frostnas::db {

struct StoreParam {
  std::string name;
  // A new, empty store; the folder is the test's own and outlives it.
  std::function<std::unique_ptr<Store>(const std::string& folder,
                                       const Clock* clock)>
      make;
};

class StoreConformance : public ::testing::TestWithParam<StoreParam> {
 protected:
  static constexpr absl::Duration kLease = absl::Seconds(30);

  StoreConformance();
  ~StoreConformance() override;

  // A QUEUED study of TestSpec.
  std::string NewStudy();
  // Adds trials TestTrial(1) ... TestTrial(n) to the study.
  void AddTrials(const std::string& study, int n);
  v1::Task AddTask(const std::string& study, const NewTask& task);
  // Signs the worker in; its session is "s-" and its id.
  std::string SignIn(const v1::RegisterRequest& worker);
  // A lease there must be.
  v1::Lease MustLease(const std::string& session);
  // Whether the worker is given something.
  bool GetsLease(const std::string& session);
  // Leases and completes with OK.
  void Work(const std::string& session, const v1::TaskResult& result);
  TaskState StateOf(const v1::Task& task);
  v1::Trial TrialOf(const std::string& study, int id);
  std::vector<v1::AttemptOutcome> OutcomesOf(const v1::Task& task);

  std::string folder_;
  FakeClock clock_;
  std::unique_ptr<Store> store_;
};

}  // namespace frostnas::db

#endif  // FROSTNAS_DB_TESTING_STORE_CONFORMANCE_H_
