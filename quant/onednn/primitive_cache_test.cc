#include "quant/onednn/primitive_cache.h"

#include <memory>

#include "gtest/gtest.h"
#include "oneapi/dnnl/dnnl.hpp"

namespace frostnas::quant {
namespace {

TEST(ScopedNoPrimitiveCacheTest, GivesBackTheCapacityAfterTheLast) {
  const int before = dnnl::get_primitive_cache_capacity();
  ASSERT_GT(before, 0);
  auto first = std::make_unique<ScopedNoPrimitiveCache>();
  auto second = std::make_unique<ScopedNoPrimitiveCache>();
  EXPECT_EQ(dnnl::get_primitive_cache_capacity(), 0);
  first.reset();
  EXPECT_EQ(dnnl::get_primitive_cache_capacity(), 0);
  second.reset();
  EXPECT_EQ(dnnl::get_primitive_cache_capacity(), before);
}

}  // namespace
}  // namespace frostnas::quant
