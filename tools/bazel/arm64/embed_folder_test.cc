#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "base/embedded_file.h"
#include "gtest/gtest.h"
#include "tools/bazel/arm64/hello_files.h"

namespace frostnas {
namespace {

TEST(EmbedFolderTest, HoldsEveryFileByteForByte) {
  std::map<std::string, std::string> embedded;
  for (const EmbeddedFile& file : HelloFiles()) {
    embedded[std::string(file.name)] = std::string(file.text);
  }
  std::map<std::string, std::string> written;
  for (const auto& entry :
       std::filesystem::directory_iterator("tools/bazel/arm64/hello_arm64")) {
    std::ifstream in(entry.path(), std::ios::binary);
    written[entry.path().filename()] = std::string(
        std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  EXPECT_EQ(written.count("hello"), 1);
  EXPECT_GT(written.size(), 1);
  // Not EXPECT_EQ, which would print them.
  EXPECT_TRUE(embedded == written);
}

}  // namespace
}  // namespace frostnas
