#include "nn/tensor_pool.h"

#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

TEST(TensorPoolTest, HandsOutTheMostRecentFirst) {
  TensorPool pool;
  Tensor* const a = pool.Take();
  Tensor* const b = pool.Take();
  EXPECT_NE(a, b);
  pool.Give(a);
  pool.Give(b);
  EXPECT_EQ(pool.Take(), b);
  EXPECT_EQ(pool.Take(), a);
}

TEST(TensorPoolTest, RestartRepeatsTheOrderAndSparesTheKept) {
  TensorPool pool;
  Tensor* const a = pool.Take();
  Tensor* const b = pool.Take();
  Tensor* const c = pool.Take();
  pool.Restart(*b);
  EXPECT_EQ(pool.Take(), a);
  EXPECT_EQ(pool.Take(), c);
  pool.Give(b);
  EXPECT_EQ(pool.Take(), b);
}

TEST(TensorPoolTest, LeavesForeignTensorsAlone) {
  TensorPool pool;
  Tensor foreign;
  pool.Restart(foreign);
  pool.Give(&foreign);
  EXPECT_NE(pool.Take(), &foreign);
}

}  // namespace
}  // namespace frostnas::nn
