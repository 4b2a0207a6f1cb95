#include "base/loopback.h"

#include <string>

#include "gtest/gtest.h"

namespace frostnas {
namespace {

TEST(LoopbackTest, IsThisMachineUnderItsOwnAddresses) {
  for (const char* host : {"localhost", "127.0.0.1", "127.1.2.3", "[::1]"}) {
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
    EXPECT_TRUE(IsLoopbackAddress(std::string(host) + ":50051")) << host;
  }
}

TEST(LoopbackTest, IsNothingElse) {
  for (const char* host : {"", "0.0.0.0", "10.0.0.1", "127.example.com", "[::]",
                           "localhost.example.com", "127.0.0", "::1"}) {
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
  }
}

}  // namespace
}  // namespace frostnas
