#include "tests/phone/adb_protocol.h"

#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::phone {
namespace {

using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(AdbProtocolTest, HeaderIsAsDocumented) {
  const std::string bytes = EncodeAdbMessage({kAdbOpen, 1, 2, "ab"});
  EXPECT_EQ(bytes, std::string("OPEN\1\0\0\0\2\0\0\0\2\0\0\0\xc3\0\0\0"
                               "\xb0\xaf\xba\xb1"
                               "ab",
                               26));
}

TEST(AdbProtocolTest, MessagesArriveInPiecesOfAnySize) {
  const std::string bytes = EncodeAdbMessage({kAdbWrite, 7, 8, "hello"}) +
                            EncodeAdbMessage({kAdbOkay, 9, 10, ""});
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    AdbMessageParser parser;
    std::vector<AdbMessage> messages;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      parser.Append(bytes.substr(at, piece));
      for (;;) {
        ASSERT_OK_AND_ASSIGN(auto message, parser.Next());
        if (!message) break;
        messages.push_back(*std::move(message));
      }
    }
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_EQ(messages[0].payload, "hello");
    EXPECT_EQ(messages[0].arg1, 8u);
    EXPECT_EQ(messages[1].command, uint32_t{kAdbOkay});
    EXPECT_EQ(messages[1].arg0, 9u);
  }
}

TEST(AdbProtocolTest, SumIsLookedAtInTheOldVersionOnly) {
  std::string bytes = EncodeAdbMessage({kAdbWrite, 1, 1, "hello"});
  bytes.back() = 'x';
  AdbMessageParser old;
  old.Append(bytes);
  EXPECT_THAT(old.Next(), StatusIs(kInvalid, HasSubstr("sum")));
  AdbMessageParser newer;
  newer.set_version(kAdbVersionWithoutSum);
  newer.Append(bytes);
  EXPECT_THAT(newer.Next(), IsOk());
}

TEST(AdbProtocolTest, RefusesWhatIsNoMessage) {
  std::string wrong_magic = EncodeAdbMessage({kAdbOpen, 1, 2, ""});
  wrong_magic[20] = static_cast<char>(wrong_magic[20] ^ 1);
  const std::string unknown = EncodeAdbMessage({0x12345678, 1, 2, ""});
  for (const std::string& bytes : {wrong_magic, unknown}) {
    AdbMessageParser parser;
    parser.Append(bytes);
    EXPECT_THAT(parser.Next(), StatusIs(kInvalid));
  }
}

TEST(AdbProtocolTest, RefusesALongPayloadBeforeItComes) {
  std::string bytes = EncodeAdbMessage({kAdbWrite, 1, 2, ""});
  bytes[14] = 0x7f;
  AdbMessageParser parser;
  parser.Append(bytes);
  EXPECT_THAT(parser.Next(), StatusIs(kInvalid, HasSubstr("bytes")));
}

TEST(AdbProtocolTest, RandomBytesAreAnErrorOrIncomplete) {
  Random random(1);
  for (int i = 0; i < 10000; ++i) {
    // Half of them start as a message.
    std::string bytes;
    if (random.Bernoulli(0.5)) bytes = EncodeAdbMessage({kAdbOpen, 1, 2, "x"});
    const uint64_t count = random.UniformInt(64);
    for (uint64_t j = 0; j < count; ++j) {
      bytes.push_back(static_cast<char>(random.NextUint32()));
    }
    AdbMessageParser parser;
    parser.Append(bytes);
    for (int taken = 0;; ++taken) {
      ASSERT_LT(taken, 4);
      const auto message = parser.Next();
      if (!message.ok() || !message->has_value()) break;
    }
  }
}

}  // namespace
}  // namespace frostnas::phone
