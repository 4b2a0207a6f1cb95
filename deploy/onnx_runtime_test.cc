// Without ONNX Runtime; onnx_check_test.cc has one.
#include "deploy/onnx_runtime.h"

#include <cstdlib>

#include "base/file.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::deploy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class OnnxRuntimeTest : public ::testing::Test {
 protected:
  OnnxRuntimeTest() { unsetenv(kOnnxRuntimeVariable); }
};

TEST_F(OnnxRuntimeTest, AFileThatIsNotThereIsNotFound) {
  EXPECT_THAT(OnnxRuntime::Load("/nowhere/libonnxruntime.so"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("/nowhere/libonnxruntime.so"),
                             HasSubstr("--onnx_runtime"))));
}

TEST_F(OnnxRuntimeTest, TheVariableNamesTheLibrary) {
  setenv(kOnnxRuntimeVariable, "/elsewhere/ort.so", 1);
  EXPECT_THAT(OnnxRuntime::Load(""), StatusIs(absl::StatusCode::kNotFound,
                                              HasSubstr("/elsewhere/ort.so")));
  EXPECT_THAT(
      OnnxRuntime::Load("/nowhere/ort.so"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/ort.so")));
}

TEST_F(OnnxRuntimeTest, AFileThatIsNoLibraryIsNotFound) {
  const std::string file = JoinPath(::testing::TempDir(), "text.so");
  ASSERT_OK(WriteFileAtomic(file, "no library"));
  EXPECT_THAT(OnnxRuntime::Load(file),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(file)));
}

TEST_F(OnnxRuntimeTest, AnotherLibraryIsRefused) {
  EXPECT_THAT(OnnxRuntime::Load("libm.so.6"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("OrtGetApiBase")));
}

TEST_F(OnnxRuntimeTest, AnOldOneIsRefusedByItsVersion) {
  EXPECT_THAT(OnnxRuntime::Load("deploy/testing/libold_runtime.so"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("1.4.0"), HasSubstr("1.15 or later"))));
}

}  // namespace
}  // namespace frostnas::deploy
