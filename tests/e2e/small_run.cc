#include "tests/e2e/small_run.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "arch/op_key.h"
#include "arch/space.h"
#include "base/check.h"
#include "base/file.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "latency/latency_table.h"
#include "search/testing/tiny_study.h"

namespace frostnas {
namespace {

// The tiny space at the size of the built-in images.
v1::Space SpaceAt32() {
  v1::Space space = search::TinySpace();
  space.set_input_size(32);
  return space;
}

std::string SpaceFile() {
  const std::string path = JoinPath(::testing::TempDir(), "space.textproto");
  std::string text;
  CHECK(google::protobuf::TextFormat::PrintToString(SpaceAt32(), &text));
  CHECK(WriteFileAtomic(path, text).ok());
  return path;
}

}  // namespace

std::string NewFolder(const std::string& name) {
  static int made = 0;
  const std::string path = JoinPath(
      ::testing::TempDir(), absl::StrCat(name, "-", getpid(), "-", ++made));
  CHECK(MakeDirs(path).ok());
  return path;
}

std::string SmallTable() {
  const auto space = arch::SearchSpace::Create(SpaceAt32());
  CHECK(space.ok());
  latency::LatencyTable table(search::TinyDevice("host"), 1, 1);
  for (const v1::OpKey& key : arch::DistinctOps(*space)) {
    v1::OpLatency op;
    *op.mutable_op() = key;
    op.set_median_ns(search::TinyOpNs(key));
    CHECK(table.Add(op).ok());
  }
  const std::string path = JoinPath(::testing::TempDir(), "table.textproto");
  CHECK(table.Save(path).ok());
  return absl::StrCat("table:", path);
}

std::vector<std::string> SmallRun(const std::string& out) {
  return {kController,
          "--space",
          SpaceFile(),
          "--width",
          "1",
          "--preset",
          "smoke",
          "--train_images=400",
          "--threads=1",
          "--device",
          SmallTable(),
          "--out",
          out};
}

}  // namespace frostnas
