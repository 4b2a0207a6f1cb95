#include "quant/observer.h"

#include <cmath>

#include "gtest/gtest.h"

namespace frostnas::quant {
namespace {

class ObserverTest : public ::testing::Test {
 protected:
  QatPhase phase_ = QatPhase::kObserving;
  SharedGrid grid_{8};
};

TEST_F(ObserverTest, FirstBatchStartsTheRange) {
  TensorObserver observer(0.1f, &phase_, &grid_);
  EXPECT_FALSE(observer.has_range());
  EXPECT_FALSE(grid_.complete());
  observer.Observe(-1, 3);
  EXPECT_TRUE(grid_.complete());
  EXPECT_EQ(observer.range().min, -1);
  EXPECT_EQ(observer.range().max, 3);
}

TEST_F(ObserverTest, LaterBatchesMoveIt) {
  TensorObserver observer(0.1f, &phase_, &grid_);
  observer.Observe(-1, 3);
  observer.Observe(-2, 1);
  EXPECT_FLOAT_EQ(observer.range().min, -1.1f);
  EXPECT_FLOAT_EQ(observer.range().max, 2.8f);
  EXPECT_FLOAT_EQ(observer.grid().scale, 3.9f / 255);
}

TEST_F(ObserverTest, SharedGridCoversAllItsTensors) {
  TensorObserver narrow(0.1f, &phase_, &grid_);
  TensorObserver wide(0.1f, &phase_, &grid_);
  narrow.Observe(0, 1);
  EXPECT_FALSE(grid_.complete());
  wide.Observe(-4, 0.5f);
  EXPECT_TRUE(grid_.complete());
  EXPECT_FLOAT_EQ(narrow.grid().scale, 5.0f / 255);
  EXPECT_EQ(narrow.grid().zero_point, wide.grid().zero_point);
  EXPECT_EQ(narrow.grid().zero_point, 204);
  // The narrow one's batches do not shrink what the wide one needs.
  for (int i = 0; i < 100; ++i) narrow.Observe(0, 1);
  EXPECT_FLOAT_EQ(wide.grid().scale, 5.0f / 255);
}

TEST_F(ObserverTest, PhaseDecidesWhatItDoes) {
  TensorObserver observer(0.1f, &phase_, &grid_);
  EXPECT_TRUE(observer.observing());
  EXPECT_FALSE(observer.quantizing());
  phase_ = QatPhase::kQuantizing;
  EXPECT_TRUE(observer.observing());
  EXPECT_TRUE(observer.quantizing());
  phase_ = QatPhase::kFrozen;
  EXPECT_FALSE(observer.observing());
  EXPECT_TRUE(observer.quantizing());
}

TEST_F(ObserverTest, LogitsAreQuantizedOnceRangesAreFrozen) {
  TensorObserver logits(0.1f, &phase_, &grid_, QuantizeFrom::kFrozen);
  EXPECT_FALSE(logits.quantizing());
  phase_ = QatPhase::kQuantizing;
  EXPECT_TRUE(logits.observing());
  EXPECT_FALSE(logits.quantizing());
  phase_ = QatPhase::kFrozen;
  EXPECT_TRUE(logits.quantizing());
}

TEST_F(ObserverTest, BatchesThatAreNotFiniteAreLeftOut) {
  TensorObserver observer(0.1f, &phase_, &grid_);
  observer.Observe(NAN, 1);
  EXPECT_FALSE(observer.has_range());
  observer.Observe(-1, 1);
  observer.Observe(-INFINITY, INFINITY);
  EXPECT_EQ(observer.range().max, 1);
}

}  // namespace
}  // namespace frostnas::quant
