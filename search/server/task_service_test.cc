#include "search/server/task_service.h"

#include <string>
#include <vector>

#include "base/sha256.h"
#include "base/status_matchers.h"
#include "search/server/server_fixture.h"
#include "search/testing/tiny_study.h"

namespace frostnas::search {
namespace {

using ::testing::HasSubstr;

class TaskServiceTest : public ServerFixture {
 protected:
  absl::StatusOr<std::string> PutChunks(const std::vector<v1::BlobChunk>& all) {
    grpc::ClientContext context;
    v1::PutBlobResponse response;
    auto writer = tasks_->PutBlob(&context, &response);
    for (const v1::BlobChunk& chunk : all) {
      if (!writer->Write(chunk)) break;
    }
    writer->WritesDone();
    const absl::Status status = FromGrpc(writer->Finish());
    if (!status.ok()) return status;
    return response.sha256();
  }

  absl::StatusOr<std::string> GetBlob(const std::string& digest) {
    grpc::ClientContext context;
    v1::GetBlobRequest request;
    request.set_sha256(digest);
    auto reader = tasks_->GetBlob(&context, request);
    std::string bytes;
    v1::BlobChunk chunk;
    while (reader->Read(&chunk)) bytes += chunk.data();
    const absl::Status status = FromGrpc(reader->Finish());
    if (!status.ok()) return status;
    return bytes;
  }
};

v1::BlobChunk Chunk(const std::string& digest, const std::string& data) {
  v1::BlobChunk chunk;
  chunk.set_sha256(digest);
  chunk.set_data(data);
  return chunk;
}

TEST_F(TaskServiceTest, RegistrationsAtFaultAreRefused) {
  v1::RegisterRequest request;
  request.set_worker_id("w");
  EXPECT_THAT(Call(&TaskStub::Register, request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("roles")));
  request.add_roles(v1::TASK_KIND_LATENCY);
  EXPECT_THAT(
      Call(&TaskStub::Register, request),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("devices")));
  request.set_worker_id("");
  EXPECT_THAT(
      Call(&TaskStub::Register, request),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("worker_id")));
}

TEST_F(TaskServiceTest, ALeasedTaskIsRenewedAndCompletedOnce) {
  StudyWithTask();
  const std::string session = Register("w");
  ASSERT_OK_AND_ASSIGN(const auto leased, Lease(session));
  ASSERT_TRUE(leased.has_lease());
  v1::HeartbeatRequest heartbeat;
  heartbeat.set_session(session);
  heartbeat.set_task_id(leased.lease().task().id());
  heartbeat.set_fencing_token(leased.lease().fencing_token());
  ASSERT_OK_AND_ASSIGN(const auto renewed,
                       Call(&TaskStub::Heartbeat, heartbeat));
  EXPECT_EQ(absl::Nanoseconds(renewed.duration_ns()), absl::Seconds(30));

  v1::CompleteTaskRequest complete;
  complete.set_session(session);
  complete.set_task_id(heartbeat.task_id());
  complete.set_fencing_token(heartbeat.fencing_token());
  complete.set_outcome(v1::ATTEMPT_OUTCOME_OK);
  EXPECT_THAT(Call(&TaskStub::CompleteTask, complete),
              StatusIs(absl::StatusCode::kInvalidArgument));
  complete.mutable_result()->mutable_accuracy()->set_int8_top1(0.5);
  complete.mutable_result()->mutable_accuracy()->set_weights_sha256(
      Sha256Hex("w"));
  complete.mutable_result()->mutable_accuracy()->set_package_sha256(
      Sha256Hex("p"));
  complete.mutable_result()->mutable_accuracy()->set_package_bytes(1);
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto completed,
                         Call(&TaskStub::CompleteTask, complete));
    EXPECT_TRUE(completed.counted());
  }
  EXPECT_THAT(Call(&TaskStub::Heartbeat, heartbeat),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(TaskServiceTest, ALeaseWaitsForATask) {
  const std::string session = Register("w");
  absl::StatusOr<v1::LeaseTaskResponse> leased;
  std::thread waiting = WaitForLease(session, leased);
  const v1::Study study = StudyWithTask();
  waiting.join();
  ASSERT_OK(leased);
  EXPECT_EQ(leased->lease().task().study_id(), study.id());
}

TEST_F(TaskServiceTest, WithoutATaskTheLeaseIsEmpty) {
  ASSERT_OK_AND_ASSIGN(const auto leased, Lease(Register("w")));
  EXPECT_FALSE(leased.has_lease());
  EXPECT_THAT(
      Lease(Register("w"), absl::Seconds(-1)),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("wait_ns")));
}

TEST_F(TaskServiceTest, AReplacedSessionMustRegisterAgain) {
  StudyWithTask();
  const std::string old_session = Register("w");
  ASSERT_OK(Lease(old_session));
  const std::string session = Register("w");
  EXPECT_NE(session, old_session);
  EXPECT_THAT(Lease(old_session),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("register again")));
  ASSERT_OK_AND_ASSIGN(const auto leased, Lease(session));
  EXPECT_TRUE(leased.has_lease()) << "the old session's task is free";
}

TEST_F(TaskServiceTest, BlobsGoUpAndComeDown) {
  const std::string bytes = std::string(1 << 20, 'a') + std::string(1000, 'b');
  const std::string digest = Sha256Hex(bytes);
  EXPECT_THAT(PutChunks({Chunk(digest, bytes.substr(0, 1 << 20)),
                         Chunk("", bytes.substr(1 << 20))}),
              IsOkAndHolds(digest));
  EXPECT_THAT(GetBlob(digest), IsOkAndHolds(bytes));
  const std::string empty = Sha256Hex("");
  EXPECT_THAT(PutChunks({Chunk(empty, "")}), IsOkAndHolds(empty));
  EXPECT_THAT(GetBlob(empty), IsOkAndHolds(""));
}

TEST_F(TaskServiceTest, BlobsAtFaultAreRefused) {
  EXPECT_THAT(PutChunks({}), StatusIs(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("sha256")));
  EXPECT_THAT(PutChunks({Chunk("", "x")}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(PutChunks({Chunk(Sha256Hex("x"), "y")}),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(GetBlob(Sha256Hex("y")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(GetBlob("../../etc/passwd"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  const std::string chunk(1 << 20, 'z');
  const std::vector<v1::BlobChunk> four(4, Chunk(Sha256Hex("z"), chunk));
  EXPECT_THAT(PutChunks(four), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(PutChunks({Chunk(Sha256Hex("z"), chunk + "z")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 MiB")));
}

}  // namespace
}  // namespace frostnas::search
