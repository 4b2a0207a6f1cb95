#include <memory>

#include "google/protobuf/text_format.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tools/bazel/proto_test/greeting.grpc.pb.h"
#include "tools/bazel/proto_test/greeting.pb.h"
#include "tools/bazel/proto_test/name.pb.h"

namespace frostnas::proto_test {
namespace {

class EchoService final : public Greeter::Service {
 public:
  grpc::Status Echo(grpc::ServerContext* /*context*/, const Greeting* request,
                    Greeting* response) override {
    *response = *request;
    return grpc::Status::OK;
  }
};

TEST(ProtoTest, TextGoesThroughImportedMessages) {
  Greeting greeting;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "name { text: 'frost' } kept_waiting { seconds: 3 }", &greeting));
  const Name& name = greeting.name();
  EXPECT_EQ(name.text(), "frost");
  EXPECT_EQ(greeting.kept_waiting().seconds(), 3);
}

TEST(ProtoTest, ServiceAndStubMeetInOneProcess) {
  EchoService service;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const std::unique_ptr<Greeter::Stub> stub =
      Greeter::NewStub(server->InProcessChannel(grpc::ChannelArguments()));

  Greeting request;
  request.mutable_name()->set_text("frost");
  Greeting response;
  grpc::ClientContext context;
  ASSERT_TRUE(stub->Echo(&context, request, &response).ok());
  EXPECT_EQ(response.name().text(), "frost");
}

}  // namespace
}  // namespace frostnas::proto_test
