// What users get wrong: each gives one clear line that names the field or the
// file, an exit code that is not 0, and no results.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sqlite3.h"
#include "tests/e2e/small_run.h"
#include "tests/testing/process.h"

namespace frostnas {
namespace {

using ::testing::HasSubstr;

// The controller refuses `flags` with one line that has `text` in it.
void ExpectRefused(const std::vector<std::string>& flags,
                   const std::string& text, std::string out = "") {
  SCOPED_TRACE(absl::StrCat("expecting ", text));
  if (out.empty()) out = NewFolder("refused");
  std::vector<std::string> argv = {kController, "--out", out};
  argv.insert(argv.end(), flags.begin(), flags.end());
  const ProcessResult run = RunProcess(argv);
  EXPECT_GT(run.end.exit_code, 0) << run.stderr_text;
  int errors = 0;
  for (const absl::string_view line :
       absl::StrSplit(run.stderr_text, '\n', absl::SkipEmpty())) {
    // Besides progress, which is information.
    const bool error = absl::StartsWith(line, "controller: ");
    errors += error;
    if (error) {
      EXPECT_THAT(std::string(line), HasSubstr(text));
    }
    EXPECT_FALSE(absl::StartsWith(line, "E ")) << line;
    EXPECT_FALSE(absl::StrContains(line, "terminate called")) << line;
  }
  EXPECT_EQ(errors, 1) << run.stderr_text;
  EXPECT_FALSE(FileExists(JoinPath(out, "pareto.json")));
  EXPECT_FALSE(FileExists(JoinPath(out, "report.html")));
}

std::string WriteTo(const std::string& dir, const std::string& name,
                    const std::string& bytes) {
  const std::string path = JoinPath(dir, name);
  CHECK(MakeDirs(path.substr(0, path.rfind('/'))).ok());
  CHECK(WriteFileAtomic(path, bytes).ok());
  return path;
}

TEST(BadFlagTest, AnUnknownNameIsToldWithThoseThereAre) {
  ExpectRefused({"--space", "nope"}, "frost_block, mobilenetv2");
  ExpectRefused({"--strategy", "nope"}, "proxyless, gumbel, random, evolution");
  ExpectRefused({"--device", "phone"}, "host, adb:SERIAL or table:FILE");
  ExpectRefused({"--preset", "nope"}, "smoke, quick, full");
  ExpectRefused({"--dataset", "nope"}, "cifar10");
}

TEST(BadFlagTest, AValueOutOfRangeIsNamed) {
  ExpectRefused({"--train_images", "-1"}, "--train_images");
  ExpectRefused({"--threads", "99"}, "threads");
  ExpectRefused({"--width", "99"}, "width");
  ExpectRefused({"--latency_limit_ms", "host=x"}, "--latency_limit_ms");
  ExpectRefused({"--latency_limit_ms", "adb:1=3"}, "adb:1");
  ExpectRefused({"surplus"}, "surplus");
}

TEST(BadDataTest, AFolderThatIsNotThereOrNotNamed) {
  ExpectRefused({"--dataset", "cifar10"}, "--data_dir");
  // Would search on the built-in data set instead.
  ExpectRefused({"--data_dir", "/nowhere"}, "--dataset");
  ExpectRefused({"--download"}, "cifar10 and cifar100 only");
  ExpectRefused({"--dataset", "cifar10", "--data_dir", "/nowhere"},
                "/nowhere/data_batch_1.bin");
}

TEST(BadDataTest, ATruncatedFile) {
  const std::string dir = NewFolder("cifar");
  const std::string path =
      WriteTo(dir, "data_batch_1.bin", std::string(5000, '\0'));
  WriteTo(dir, "test_batch.bin", std::string(3073, '\0'));
  ExpectRefused({"--dataset", "cifar10", "--data_dir", dir}, path);
}

TEST(BadDataTest, AMislabelledFile) {
  const std::string dir = NewFolder("cifar");
  // Whole records, the first one of class 77.
  std::string records(3073 * 100, '\0');
  records[0] = 77;
  const std::string path = WriteTo(dir, "data_batch_1.bin", records);
  WriteTo(dir, "test_batch.bin", std::string(3073, '\0'));
  ExpectRefused({"--dataset", "cifar10", "--data_dir", dir}, path);
}

TEST(BadDataTest, APictureThatDoesNotDecode) {
  const std::string dir = NewFolder("pictures");
  const std::string path = WriteTo(dir, "cats/1.jpg", "\xff\xd8\xff garbage");
  WriteTo(dir, "dogs/1.jpg", "\xff\xd8\xff garbage");
  ExpectRefused({"--dataset", "image_folder", "--data_dir", dir}, path);
}

TEST(BadTableTest, AFileThatIsNotThereOrNotATable) {
  ExpectRefused({"--device", "table:/nowhere/t.textproto"},
                "/nowhere/t.textproto");
  const std::string path = WriteTo(NewFolder("table"), "t", "garbage");
  ExpectRefused({"--device", absl::StrCat("table:", path)}, path);
}

TEST(BadTableTest, ATableOfAnotherSpace) {
  ExpectRefused({"--device", SmallTable(), "--preset", "smoke"},
                "operators of space frost");
}

TEST(BadLimitTest, ALimitNoNetworkCanMeet) {
  const std::string out = NewFolder("limit");
  std::vector<std::string> flags = SmallRun(out);
  flags.erase(flags.begin());
  flags.push_back(
      absl::StrCat("--latency_limit_ms=", SmallTable(), "=0.000001"));
  ExpectRefused(flags, "limit", out);
}

TEST(BadDatabaseTest, AFileOfAnotherKind) {
  const std::string path = WriteTo(NewFolder("db"), "f.db", "not a database");
  ExpectRefused({"--db", path}, path);
}

TEST(BadDatabaseTest, AFileOfANewerBuild) {
  const std::string dir = NewFolder("db");
  const std::string path = JoinPath(dir, "f.db");
  // Makes a database and ends for want of a study.
  ExpectRefused({"--db", path, "--resume"}, "--resume");
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, "UPDATE schema_version SET version = 9999",
                         nullptr, nullptr, nullptr),
            SQLITE_OK)
      << sqlite3_errmsg(database);
  EXPECT_EQ(sqlite3_changes(database), 1);
  sqlite3_close(database);
  ExpectRefused({"--db", path, "--resume"}, "9999");
}

TEST(BadPortTest, APortInUse) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(socket_fd, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(socket_fd, any, length), 0);
  ASSERT_EQ(listen(socket_fd, 1), 0);
  ASSERT_EQ(getsockname(socket_fd, any, &length), 0);
  const std::string listen_flag =
      absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  ExpectRefused({"--serve", "--listen", listen_flag}, listen_flag);
  close(socket_fd);
  ExpectRefused({"--serve", "--listen", "192.0.2.1:50051"}, "--insecure");
}

// frostctl's errors name what to change, too.
TEST(FrostctlTest, ErrorsNameWhatToChange) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{kFrostctl, "nope"}, "unknown command \"nope\""},
      {{kFrostctl, "describe", "nope"}, "frostnet_small"},
      {{kFrostctl, "watch"}, "study id"},
      {{kFrostctl, "submit", "--space", "nope"}, "frost_block"},
      {{kFrostctl, "list", "--controller", "nowhere"}, "HOST:PORT"},
      {{kFrostctl, "list", "--controller", "127.0.0.1:1"}, "127.0.0.1:1"}};
  for (const auto& [argv, text] : cases) {
    const ProcessResult run = RunProcess(argv);
    EXPECT_GT(run.end.exit_code, 0);
    EXPECT_THAT(run.stderr_text, HasSubstr(text));
    EXPECT_EQ(run.stdout_text, "");
  }
}

}  // namespace
}  // namespace frostnas
