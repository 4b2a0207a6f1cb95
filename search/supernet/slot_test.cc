#include "search/supernet/slot.h"

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "search/supernet/testing/tiny_search.h"

namespace frostnas::search {
namespace {

constexpr int kBatch = 4;
constexpr uint64_t kSeed = 5;

nn::Tensor RandomTensor(nn::Shape shape, uint64_t seed) {
  Random random(seed);
  nn::Tensor tensor(shape);
  for (float& value : tensor.span()) {
    value = static_cast<float>(random.Normal());
  }
  return tensor;
}

nn::Tensor Input(const arch::SearchSlot& slot) {
  return RandomTensor({kBatch, slot.in.size, slot.in.size, slot.in.channels},
                      1);
}

nn::Tensor OutputGradient(const arch::SearchSlot& slot) {
  return RandomTensor({kBatch, slot.out.size, slot.out.size, slot.out.channels},
                      2);
}

std::vector<float> Values(const nn::Tensor& tensor) {
  return {tensor.span().begin(), tensor.span().end()};
}

class SlotTest : public ::testing::Test {
 protected:
  SlotTest() : space_(TinySpace()), plan_(space_.slots()[1]) {
    slot_ = Slot::Create(plan_, space_.num_classes(), {.seed = kSeed}).value();
  }

  // The candidate with kernel 5, expansion 4, reduction 2.
  int Largest() const {
    for (size_t k = 0; k < plan_.candidates.size(); ++k) {
      const v1::FrostBlock& frost = plan_.candidates[k].block.frost();
      if (frost.kernel() == 5 && frost.expansion() == 4 &&
          frost.reduction() == 2) {
        return static_cast<int>(k);
      }
    }
    ADD_FAILURE() << "no largest candidate";
    return 0;
  }

  const arch::SearchSpace space_;
  const arch::SearchSlot plan_;
  std::unique_ptr<Slot> slot_;
};

TEST_F(SlotTest, LargestCandidateIsAnUnsharedBlock) {
  const int k = Largest();
  ASSERT_OK_AND_ASSIGN(
      auto alone,
      nn::Network::Create(plan_.candidates[k].graph, {.seed = kSeed}));
  const nn::Tensor src = Input(plan_);
  nn::Tensor diff = OutputGradient(plan_);
  nn::Tensor same_diff = diff.Clone();
  slot_->GatherWeights(k);
  const auto shared_dst = Values(slot_->Forward(k, src, nn::Mode::kTrain));
  const auto alone_dst = Values(alone->Forward(src, nn::Mode::kTrain));
  EXPECT_EQ(shared_dst, alone_dst);
  for (nn::Parameter* parameter : alone->parameters()) parameter->ZeroGrad();
  const auto shared_diff = Values(slot_->Backward(k, diff, true));
  const auto alone_diff = Values(alone->Backward(same_diff, true));
  EXPECT_EQ(shared_diff, alone_diff);
  slot_->ScatterGradients(k);
  const auto shared = slot_->parameters();
  ASSERT_EQ(shared.size(), alone->parameters().size());
  for (size_t i = 0; i < shared.size(); ++i) {
    EXPECT_EQ(shared[i]->grad, alone->parameters()[i]->grad) << shared[i]->name;
  }
}

// A candidate is a cut of the largest: what it computes must change by the
// gradient it hands to the shared weights.
TEST_F(SlotTest, SharedGradientsAreThoseOfTheCandidate) {
  const int k = 0;
  ASSERT_NE(k, Largest());
  const nn::Tensor src = Input(plan_);
  const nn::Tensor diff = OutputGradient(plan_);
  const auto loss = [&] {
    slot_->GatherWeights(k);
    const nn::Tensor& dst = slot_->Forward(k, src, nn::Mode::kTrain);
    double sum = 0;
    for (int64_t i = 0; i < dst.elements(); ++i) {
      sum += static_cast<double>(dst.data()[i]) * diff.data()[i];
    }
    return sum;
  };
  loss();
  nn::Tensor diff_dst = diff.Clone();
  slot_->Backward(k, diff_dst, false);
  slot_->ScatterGradients(k);
  for (nn::Parameter* parameter : slot_->parameters_of(k)) {
    // The element the loss depends on most: differences drown in float
    // rounding elsewhere.
    size_t i = 0;
    for (size_t j = 0; j < parameter->grad.size(); ++j) {
      if (std::abs(parameter->grad[j]) > std::abs(parameter->grad[i])) i = j;
    }
    constexpr float kStep = 2e-3f;
    const float before = parameter->value[i];
    parameter->value[i] = before + kStep;
    const double up = loss();
    parameter->value[i] = before - kStep;
    const double down = loss();
    parameter->value[i] = before;
    const double difference = (up - down) / (2 * kStep);
    EXPECT_NEAR(parameter->grad[i], difference,
                0.05 * std::abs(difference) + 0.05)
        << parameter->name;
  }
}

TEST_F(SlotTest, SmallCandidatesLeaveTheRestOfTheSharedWeightsAlone) {
  slot_->GatherWeights(0);
  slot_->Forward(0, Input(plan_), nn::Mode::kTrain);
  nn::Tensor diff = OutputGradient(plan_);
  slot_->Backward(0, diff, false);
  slot_->ScatterGradients(0);
  for (nn::Parameter* parameter : slot_->parameters()) {
    if (parameter->role != nn::ParameterRole::kDepthwiseWeight) continue;
    // Kernel 3 of 5: the outer ring gets nothing, the centre something.
    const int channels = parameter->shape.back();
    const auto tap = [&](int y, int x) {
      return parameter->grad[(y * 5 + x) * channels];
    };
    EXPECT_EQ(tap(0, 0), 0);
    EXPECT_EQ(tap(4, 2), 0);
    EXPECT_NE(tap(2, 2), 0);
    return;
  }
  FAIL() << "no depthwise weight";
}

TEST_F(SlotTest, SkipIsTheIdentityBothWays) {
  const arch::SearchSlot& plan = space_.slots()[3];
  ASSERT_OK_AND_ASSIGN(
      auto slot, Slot::Create(plan, space_.num_classes(), {.seed = kSeed}));
  const int skip = slot->num_candidates() - 1;
  ASSERT_TRUE(slot->is_skip(skip));
  nn::Tensor src = Input(plan);
  EXPECT_EQ(&slot->Forward(skip, src, nn::Mode::kTrain), &src);
  EXPECT_EQ(&slot->Backward(skip, src, true), &src);
  EXPECT_TRUE(slot->parameters_of(skip).empty());
}

TEST_F(SlotTest, StateRestoresWeightsAndRanges) {
  slot_->SetPhase(quant::QatPhase::kQuantizing);
  slot_->GatherWeights(0);
  slot_->Forward(0, Input(plan_), nn::Mode::kTrain);
  v1::FloatNetwork state;
  slot_->SaveState(state);
  ASSERT_OK_AND_ASSIGN(auto other,
                       Slot::Create(plan_, space_.num_classes(), {.seed = 77}));
  other->SetPhase(quant::QatPhase::kQuantizing);
  ASSERT_OK(other->LoadState(state));
  v1::FloatNetwork again;
  other->SaveState(again);
  EXPECT_EQ(state.SerializeAsString(), again.SerializeAsString());
}

TEST_F(SlotTest, RefusesAStateThatIsNotItsOwn) {
  EXPECT_THAT(slot_->LoadState({}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::HasSubstr("lacks tensor")));
}

}  // namespace
}  // namespace frostnas::search
