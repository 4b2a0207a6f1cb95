// Bytes that no adb server sends: the phone drops the connection, if anything,
// and serves others as before.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/phone/adb_protocol.h"
#include "tests/phone/phone.h"

namespace frostnas::phone {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Far longer than any answer takes.
constexpr time_t kPatienceSeconds = 30;

// A client that sends what it likes.
class RawClient {
 public:
  explicit RawClient(int port)
      : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address),
                      sizeof(address)),
              0);
    const timeval patience = {kPatienceSeconds, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~RawClient() { close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void Send(absl::string_view bytes) {
    send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  void Send(const AdbMessage& message) { Send(EncodeAdbMessage(message)); }
  void SayHello() {
    Send({kAdbConnect, kAdbVersionWithoutSum, 1 << 20, "host::"});
  }
  void EndSending() { shutdown(socket_, SHUT_WR); }

  // The next message; none: the phone closed the connection.
  std::optional<AdbMessage> Receive() {
    for (;;) {
      auto message = parser_.Next();
      EXPECT_OK(message);
      if (!message.ok()) return std::nullopt;
      if (message->has_value()) return **message;
      std::array<char, 4096> buffer;
      const ssize_t count = recv(socket_, buffer.data(), buffer.size(), 0);
      // A reset, when the phone closed with bytes unread, is an end as well;
      // patience that runs out is not.
      if (count < 0) {
        EXPECT_EQ(errno, ECONNRESET);
      }
      if (count <= 0) return std::nullopt;
      parser_.Append({buffer.data(), static_cast<size_t>(count)});
    }
  }
  void ReceiveAll() {
    while (Receive()) {
    }
  }

 private:
  const int socket_;
  AdbMessageParser parser_;
};

class HostileTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK_AND_ASSIGN(phone_, TestPhone::Start({})); }

  // Another client is served.
  void TearDown() override {
    RawClient client(phone_->port());
    client.SayHello();
    EXPECT_THAT(client.Receive()->payload, StartsWith("device::"));
    client.Send({kAdbOpen, 5, 0, std::string("shell:echo well\0", 16)});
    const auto opened = client.Receive();
    ASSERT_EQ(opened->command, uint32_t{kAdbOkay});
    EXPECT_EQ(opened->arg1, 5u);
    EXPECT_EQ(client.Receive()->payload, "well\n");
    client.Send({kAdbOkay, 5, opened->arg0, ""});
    EXPECT_EQ(client.Receive()->command, uint32_t{kAdbClose});
  }

  // A client with an open stream of `service`; the phone's id of it.
  uint32_t Open(RawClient& client, const std::string& service) {
    client.SayHello();
    EXPECT_EQ(client.Receive()->command, uint32_t{kAdbConnect});
    client.Send({kAdbOpen, 1, 0, service});
    const auto opened = client.Receive();
    EXPECT_EQ(opened->command, uint32_t{kAdbOkay});
    return opened->arg0;
  }

  std::unique_ptr<TestPhone> phone_;
};

TEST_F(HostileTest, BytesThatAreNoMessageEndTheConnection) {
  RawClient client(phone_->port());
  client.Send(std::string(100, 'x'));
  EXPECT_FALSE(client.Receive().has_value());
}

TEST_F(HostileTest, NothingIsServedBeforeTheGreeting) {
  RawClient client(phone_->port());
  client.Send({kAdbOpen, 1, 0, "shell:echo early"});
  client.SayHello();
  EXPECT_EQ(client.Receive()->command, uint32_t{kAdbConnect});
  client.EndSending();
  EXPECT_FALSE(client.Receive().has_value());
  EXPECT_TRUE(phone_->log().commands.empty());
}

TEST_F(HostileTest, UnknownServicesAreRefused) {
  RawClient client(phone_->port());
  client.SayHello();
  EXPECT_EQ(client.Receive()->command, uint32_t{kAdbConnect});
  client.Send({kAdbOpen, 7, 0, "jdwp:1"});
  const auto answer = client.Receive();
  EXPECT_EQ(answer->command, uint32_t{kAdbClose});
  EXPECT_EQ(answer->arg1, 7u);
}

TEST_F(HostileTest, WritingWithoutLeaveEndsTheConnection) {
  RawClient client(phone_->port());
  // Waits for a name of 8 bytes, so that it takes none of what follows.
  const uint32_t id = Open(client, "sync:");
  phone_->Inject(
      {.kind = FaultKind::kHang, .duration = absl::Milliseconds(100)});
  for (int i = 0; i < 64; ++i) client.Send({kAdbWrite, 1, id, "abc"});
  client.ReceiveAll();
}

TEST_F(HostileTest, MessagesForUnknownStreamsAreIgnored) {
  RawClient client(phone_->port());
  client.SayHello();
  EXPECT_EQ(client.Receive()->command, uint32_t{kAdbConnect});
  for (const uint32_t command : {kAdbWrite, kAdbOkay, kAdbClose}) {
    client.Send({command, 3, 99, ""});
  }
  client.Send({kAdbOpen, 1, 0, "shell:true"});
  EXPECT_EQ(client.Receive()->command, uint32_t{kAdbOkay});
}

TEST_F(HostileTest, ManyStreamsAreRefusedNotPiledUp) {
  RawClient client(phone_->port());
  client.SayHello();
  EXPECT_EQ(client.Receive()->command, uint32_t{kAdbConnect});
  int opened = 0, refused = 0;
  for (uint32_t i = 1; i <= 200; ++i) {
    client.Send({kAdbOpen, i, 0, "shell:sleep 1000"});
    if (client.Receive()->command == kAdbOkay) {
      ++opened;
    } else {
      ++refused;
    }
  }
  EXPECT_GE(opened, 16);
  EXPECT_GE(refused, 100);
}

TEST_F(HostileTest, LongNamesAndBlocksAreRefused) {
  for (const std::string& request :
       {std::string("STAT\xff\xff\xff\x7f"), std::string("XXXX\1\0\0\0/", 9),
        std::string("SEND\2\0\0\0/f", 10)}) {
    RawClient client(phone_->port());
    const uint32_t id = Open(client, "sync:");
    client.Send({kAdbWrite, 1, id, request});
    EXPECT_EQ(client.Receive()->command, uint32_t{kAdbOkay});
    EXPECT_THAT(client.Receive()->payload, StartsWith("FAIL"));
  }
}

TEST_F(HostileTest, RandomMessagesAndBytesNeverHarm) {
  constexpr uint32_t kCommands[] = {kAdbConnect, kAdbAuth,  kAdbOpen,
                                    kAdbOkay,    kAdbWrite, kAdbClose};
  constexpr const char* kServices[] = {"sync:", "shell:echo a; sleep 1000",
                                       "shell,v2,raw:cat /proc/cpuinfo",
                                       "exec:ls /", "nonsense:"};
  Random random(7);
  for (int round = 0; round < 100; ++round) {
    RawClient client(phone_->port());
    if (random.Bernoulli(0.9)) client.SayHello();
    for (int i = 0; i < 30; ++i) {
      AdbMessage message = {kCommands[random.UniformInt(6)],
                            static_cast<uint32_t>(random.UniformInt(4)),
                            static_cast<uint32_t>(random.UniformInt(4)), ""};
      if (message.command == kAdbOpen) {
        message.payload = kServices[random.UniformInt(5)];
      } else {
        const uint64_t size = random.UniformInt(40);
        for (uint64_t j = 0; j < size; ++j) {
          message.payload.push_back(static_cast<char>(random.NextUint32()));
        }
      }
      std::string bytes = EncodeAdbMessage(message);
      if (random.Bernoulli(0.02)) {
        bytes[random.UniformInt(bytes.size())] ^= 1;
      }
      client.Send(bytes);
    }
    // Half of them leave without a word.
    if (random.Bernoulli(0.5)) continue;
    client.EndSending();
    client.ReceiveAll();
  }
}

}  // namespace
}  // namespace frostnas::phone
