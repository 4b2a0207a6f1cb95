#include "workers/worker.h"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/status_matchers.h"
#include "workers/testing/fake_controller.h"

namespace frostnas::workers {
namespace {

using ::testing::HasSubstr;

using Script = std::function<absl::StatusOr<v1::TaskResult>(const v1::Task&,
                                                            TaskContext&)>;

class ScriptedRunner final : public TaskRunner {
 public:
  explicit ScriptedRunner(Script script) : script_(std::move(script)) {}
  absl::StatusOr<v1::TaskResult> Run(const v1::Task& task,
                                     TaskContext& context) override {
    return script_(task, context);
  }

 private:
  const Script script_;
};

v1::TaskResult ResultOf(double top1) {
  v1::TaskResult result;
  result.mutable_accuracy()->set_int8_top1(top1);
  return result;
}

absl::StatusOr<v1::TaskResult> Succeed(const v1::Task&, TaskContext&) {
  return ResultOf(0.5);
}

grpc::Status Unavailable() {
  return {grpc::StatusCode::UNAVAILABLE, "not now"};
}

grpc::Status Gone() {
  return {grpc::StatusCode::FAILED_PRECONDITION, "the lease is over"};
}

// A worker on a thread, with the role ACCURACY. Its pauses take no time.
class RunningWorker {
 public:
  RunningWorker(const std::string& controller, Script script) {
    Runners runners;
    runners[v1::TASK_KIND_ACCURACY] =
        std::make_unique<ScriptedRunner>(std::move(script));
    auto worker =
        Worker::Create({.client = {.controller = controller}, .worker_id = "w"},
                       std::move(runners), clock_);
    EXPECT_OK(worker);
    worker_ = *std::move(worker);
    thread_ = std::thread([this] { status_ = worker_->Run(stop_.token()); });
  }
  ~RunningWorker() {
    stop_.RequestStop();
    if (thread_.joinable()) thread_.join();
  }

  void RequestStop() { stop_.RequestStop(); }
  // Run's status, after it returned.
  absl::Status Join() {
    thread_.join();
    return status_;
  }

 private:
  FakeClock clock_{FakeClock::Waits::kAdvance};
  StopSource stop_;
  std::unique_ptr<Worker> worker_;
  absl::Status status_;
  std::thread thread_;
};

TEST(WorkerTest, DoesOneTaskAfterTheOtherAndReportsEach) {
  FakeController controller;
  for (const char* id : {"tk-1", "tk-2", "tk-3"}) controller.AddTask(id);
  RunningWorker worker(controller.address(), Succeed);
  const auto reports = controller.AwaitReports(3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(reports[i].task_id(), absl::StrCat("tk-", i + 1));
    EXPECT_EQ(reports[i].session(), "session-0");
    EXPECT_EQ(reports[i].fencing_token(), i + 1);
    EXPECT_EQ(reports[i].outcome(), v1::ATTEMPT_OUTCOME_OK);
    EXPECT_EQ(reports[i].result().accuracy().int8_top1(), 0.5);
  }
  worker.RequestStop();
  EXPECT_OK(worker.Join());
}

TEST(WorkerTest, AnErrorsCodeDecidesTheOutcome) {
  const std::vector<std::pair<absl::StatusCode, v1::AttemptOutcome>> kCases = {
      {absl::StatusCode::kInvalidArgument, v1::ATTEMPT_OUTCOME_USER_ERROR},
      {absl::StatusCode::kFailedPrecondition, v1::ATTEMPT_OUTCOME_USER_ERROR},
      {absl::StatusCode::kNotFound, v1::ATTEMPT_OUTCOME_USER_ERROR},
      {absl::StatusCode::kDataLoss, v1::ATTEMPT_OUTCOME_USER_ERROR},
      {absl::StatusCode::kDeadlineExceeded, v1::ATTEMPT_OUTCOME_TIMEOUT},
      {absl::StatusCode::kUnavailable, v1::ATTEMPT_OUTCOME_INFRA_ERROR},
      {absl::StatusCode::kResourceExhausted, v1::ATTEMPT_OUTCOME_INFRA_ERROR},
      {absl::StatusCode::kInternal, v1::ATTEMPT_OUTCOME_INFRA_ERROR}};
  FakeController controller;
  for (size_t i = 0; i < kCases.size(); ++i) {
    controller.AddTask(absl::StrCat(i));
  }
  size_t next = 0;
  RunningWorker worker(controller.address(),
                       [&](const v1::Task&, TaskContext&) {
                         return absl::Status(kCases[next++].first, "because");
                       });
  const auto reports = controller.AwaitReports(kCases.size());
  for (size_t i = 0; i < kCases.size(); ++i) {
    EXPECT_EQ(reports[i].outcome(), kCases[i].second)
        << absl::StatusCodeToString(kCases[i].first);
    EXPECT_EQ(reports[i].error(), "because");
  }
}

TEST(WorkerTest, BytesThatAreNoTextDoNotLoseTheReport) {
  FakeController controller;
  controller.AddTask("tk-1");
  RunningWorker worker(controller.address(), [](const auto&, auto&) {
    return absl::DataLossError("magic \xff\xfe at 0");
  });
  EXPECT_EQ(controller.AwaitReports(1)[0].error(), "magic ?? at 0");
}

TEST(WorkerTest, ATaskWithoutARoleIsThisMachinesFault) {
  FakeController controller;
  v1::Task task;
  task.set_id("tk-1");
  task.mutable_latency()->set_device_id("host");
  controller.AddTask(task);
  RunningWorker worker(controller.address(), Succeed);
  EXPECT_EQ(controller.AwaitReports(1)[0].outcome(),
            v1::ATTEMPT_OUTCOME_INFRA_ERROR);
}

TEST(WorkerTest, ARefusedHeartbeatStopsTheTaskWithoutAReport) {
  FakeController controller;
  controller.AddTask("lost");
  controller.AddTask("next");
  controller.on_heartbeat = [](int calls, auto*) {
    return calls == 2 ? Gone() : grpc::Status::OK;
  };
  RunningWorker worker(
      controller.address(),
      [](const v1::Task& task,
         TaskContext& context) -> absl::StatusOr<v1::TaskResult> {
        if (task.id() == "next") return ResultOf(1);
        context.stop.WaitFor(absl::InfiniteDuration());
        return context.stop.Check();
      });
  EXPECT_EQ(controller.AwaitReports(1)[0].task_id(), "next");
}

TEST(WorkerTest, ASilentControllerDoesNotStopTheTask) {
  FakeController controller;
  controller.AddTask("tk-1");
  controller.on_heartbeat = [](int, auto*) { return Unavailable(); };
  RunningWorker worker(controller.address(),
                       [&](const v1::Task&, TaskContext& context) {
                         controller.AwaitHeartbeats(3);
                         EXPECT_OK(context.stop.Check());
                         return ResultOf(1);
                       });
  EXPECT_EQ(controller.AwaitReports(1)[0].outcome(), v1::ATTEMPT_OUTCOME_OK);
}

TEST(WorkerTest, AResultIsReportedUntilItIsAnswered) {
  FakeController controller;
  controller.AddTask("tk-1");
  controller.AddTask("tk-2");
  controller.on_complete = [](int calls, auto*) {
    if (calls < 2) return Unavailable();
    if (calls == 2) return grpc::Status(grpc::StatusCode::INTERNAL, "disk");
    return grpc::Status::OK;
  };
  RunningWorker worker(controller.address(), Succeed);
  const auto reports = controller.AwaitReports(5);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(reports[i].task_id(), "tk-1");
  EXPECT_EQ(reports[4].task_id(), "tk-2");
}

TEST(WorkerTest, ALateResultIsOfferedOnce) {
  FakeController controller;
  controller.AddTask("late");
  controller.AddTask("next");
  controller.on_complete = [](int calls, auto*) {
    return calls == 0 ? Gone() : grpc::Status::OK;
  };
  RunningWorker worker(controller.address(), Succeed);
  const auto reports = controller.AwaitReports(2);
  EXPECT_EQ(reports[0].task_id(), "late");
  EXPECT_EQ(reports[1].task_id(), "next");
}

TEST(WorkerTest, AResultThatIsRefusedBecomesAFaultWithTheReason) {
  FakeController controller;
  controller.AddTask("tk-1");
  controller.on_complete = [](int calls, auto*) {
    return calls == 0 ? grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                                     "int8_top1: 2 is not in 0..1")
                      : grpc::Status::OK;
  };
  RunningWorker worker(controller.address(), Succeed);
  const auto reports = controller.AwaitReports(2);
  EXPECT_EQ(reports[1].task_id(), "tk-1");
  EXPECT_EQ(reports[1].outcome(), v1::ATTEMPT_OUTCOME_INFRA_ERROR);
  EXPECT_THAT(reports[1].error(), HasSubstr("int8_top1: 2 is not in 0..1"));
  EXPECT_FALSE(reports[1].has_result());
}

TEST(WorkerTest, AReplacedSessionRegistersAgain) {
  FakeController controller;
  controller.AddTask("tk-1");
  controller.on_lease = [](int calls, auto*) {
    return calls == 0 ? Gone() : grpc::Status::OK;
  };
  RunningWorker worker(controller.address(), Succeed);
  EXPECT_EQ(controller.AwaitReports(1)[0].session(), "session-1");
}

TEST(WorkerTest, AnUnreachableControllerIsTriedAgain) {
  FakeController controller;
  controller.AddTask("tk-1");
  controller.on_register = [](int calls, auto*) {
    return calls < 3 ? Unavailable() : grpc::Status::OK;
  };
  RunningWorker worker(controller.address(), Succeed);
  controller.AwaitReports(1);
  EXPECT_EQ(controller.registrations(), 4);
}

TEST(WorkerTest, ARefusedRegistrationEndsTheWorker) {
  FakeController controller;
  controller.on_register = [](int, auto*) {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "worker_id: no");
  };
  RunningWorker worker(controller.address(), Succeed);
  EXPECT_THAT(worker.Join(), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("worker_id")));
}

TEST(WorkerTest, AStopEndsTheWaitForATask) {
  FakeController controller;
  absl::Notification waiting;
  controller.on_lease = [&](int, auto*) {
    waiting.Notify();
    return grpc::Status::OK;
  };
  RunningWorker worker(controller.address(), Succeed);
  waiting.WaitForNotification();
  worker.RequestStop();
  EXPECT_OK(worker.Join());
}

TEST(WorkerTest, AStopEndsTheTaskAndSaysSo) {
  FakeController controller;
  controller.AddTask("tk-1");
  absl::Notification begun;
  RunningWorker worker(
      controller.address(),
      [&](const v1::Task&,
          TaskContext& context) -> absl::StatusOr<v1::TaskResult> {
        begun.Notify();
        context.stop.WaitFor(absl::InfiniteDuration());
        return context.stop.Check();
      });
  begun.WaitForNotification();
  worker.RequestStop();
  EXPECT_OK(worker.Join());
  const auto reports = controller.AwaitReports(1);
  EXPECT_EQ(reports[0].outcome(), v1::ATTEMPT_OUTCOME_INFRA_ERROR);
  EXPECT_THAT(reports[0].error(), HasSubstr("stopped"));
}

// Calls time out after 20 seconds; a stop must not wait for that.
TEST(WorkerTest, AStopDoesNotWaitForAControllerThatHangs) {
  FakeController controller;
  controller.AddTask("tk-1");
  absl::Notification hanging;
  controller.on_complete = [&](int calls, grpc::ServerContext* context) {
    if (calls == 0) hanging.Notify();
    return FakeController::Hang(context);
  };
  controller.on_heartbeat = [](int, grpc::ServerContext* context) {
    return FakeController::Hang(context);
  };
  RunningWorker worker(controller.address(), Succeed);
  hanging.WaitForNotification();
  const absl::Duration before = RealClock().Monotonic();
  worker.RequestStop();
  EXPECT_OK(worker.Join());
  EXPECT_LT(RealClock().Monotonic() - before, absl::Seconds(15));
}

TEST(WorkerTest, OptionsAtFaultAreNamed) {
  FakeClock clock;
  EXPECT_THAT(
      Worker::Create({.client = {.controller = "127.0.0.1:1"}}, {}, clock),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--roles")));
  for (const std::string controller :
       {"nowhere", "10.0.0.1:50051", "127.example.com:50051"}) {
    EXPECT_THAT(
        LeaseClient::Create({.controller = controller}),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--controller")))
        << controller;
  }
  EXPECT_OK(
      LeaseClient::Create({.controller = "10.0.0.1:50051", .insecure = true}));
}

}  // namespace
}  // namespace frostnas::workers
