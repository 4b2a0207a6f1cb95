#include "search/server/server.h"

#include <string>
#include <thread>

#include "base/clock.h"
#include "base/status_matchers.h"
#include "search/server/server_fixture.h"
#include "search/testing/tiny_study.h"

namespace frostnas::search {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using ServerTest = ServerFixture;

TEST_F(ServerTest, ShutdownEndsWaitsAndStreams) {
  const std::string session = Register("w");
  ASSERT_OK_AND_ASSIGN(const v1::Study study, client_->Submit("r", TinySpec()));
  absl::StatusOr<v1::LeaseTaskResponse> leased;
  std::thread waiting = WaitForLease(session, leased);
  grpc::ClientContext context;
  v1::WatchStudyRequest request;
  request.set_study_id(study.id());
  auto reader = studies_->WatchStudy(&context, request);
  v1::StudyEvent event;
  ASSERT_TRUE(reader->Read(&event));
  const absl::Duration before = RealClock().Monotonic();
  server_->Shutdown();
  const absl::Duration took = RealClock().Monotonic() - before;
  EXPECT_LT(took, kPatience / 2) << "the waits were not ended";
  waiting.join();
  EXPECT_THAT(leased, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_THAT(FromGrpc(reader->Finish()),
              StatusIs(absl::StatusCode::kUnavailable));
  server_->Shutdown();  // again does nothing
}

TEST_F(ServerTest, ABusyPortIsNamed) {
  const auto second = Server::Start({.listen = server_->address()},
                                    store_.get(), blobs_.get(), &RealClock());
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kUnavailable,
                               AllOf(HasSubstr("--listen"),
                                     HasSubstr(server_->address()))));
}

TEST_F(ServerTest, PlaintextStaysOnTheLoopback) {
  for (const std::string listen : {"0.0.0.0:0", "127.example.com:0",
                                   "127.0.0.1.example.com:0", "[::]:0"}) {
    EXPECT_THAT(Server::Start({.listen = listen}, store_.get(), blobs_.get(),
                              &RealClock()),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("loopback"), HasSubstr("--insecure"))))
        << listen;
  }
  const auto open = Server::Start({.listen = "0.0.0.0:0", .insecure = true},
                                  store_.get(), blobs_.get(), &RealClock());
  EXPECT_OK(open);
}

TEST_F(ServerTest, AddressesAtFaultAreNamed) {
  for (const std::string listen : {"", "50051", ":50051", "127.0.0.1:x",
                                   "127.0.0.1:65536", "127.0.0.1:-1"}) {
    EXPECT_THAT(
        Server::Start({.listen = listen}, store_.get(), blobs_.get(),
                      &RealClock()),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--listen")))
        << listen;
  }
  EXPECT_THAT(
      StudyClient::Create("nowhere"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--controller")));
}

TEST_F(ServerTest, MissingCertificatesAreNamed) {
  EXPECT_THAT(
      Server::Start({.tls_cert = "/nowhere/cert.pem",
                     .tls_key = "/nowhere/key.pem",
                     .tls_ca = "/nowhere/ca.pem"},
                    store_.get(), blobs_.get(), &RealClock()),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/key.pem")));
}

}  // namespace
}  // namespace frostnas::search
