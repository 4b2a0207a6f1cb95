// Tests of Highway kernels on every instruction set that this processor has and
// the build made code for.
//
//   using MyTest = EachTargetTest;
//   TEST_P(MyTest, ...) { ... }
//   INSTANTIATE_TEST_SUITE_P(InstructionSets, MyTest, EachTarget(),
//                            TargetName);
#ifndef FROSTNAS_NN_TESTING_EACH_TARGET_H_
#define FROSTNAS_NN_TESTING_EACH_TARGET_H_

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "hwy/targets.h"

namespace frostnas::nn {

// Kernels run on the test's target.
class EachTargetTest : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().Update(GetParam());
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

inline auto EachTarget() {
  return testing::ValuesIn(hwy::SupportedAndGeneratedTargets());
}

inline std::string TargetName(const testing::TestParamInfo<int64_t>& info) {
  return hwy::TargetName(info.param);
}

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_TESTING_EACH_TARGET_H_
