#include "nn/graph/network_files.h"

#include <limits>
#include <string>
#include <vector>

#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace frostnas::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One layer with a weight, statistics and a step counter.
struct Layer {
  Parameter weight = {.name = "a.weight",
                      .shape = {2, 1, 1, 2},
                      .value = {1, 2, 3, 4},
                      .grad = {0, 0, 0, 0}};
  StateBuffer mean = {"a.mean", {5, 6}};
  StateBuffer step = {"a.step", {7}};

  v1::FloatNetwork Save() {
    v1::FloatNetwork file;
    SaveTensors({&weight}, {&mean, &step}, file);
    return file;
  }
  absl::Status Load(const v1::FloatNetwork& file, bool require_all) {
    return LoadTensors(file, require_all, {&weight}, {&mean, &step});
  }
};

TEST(NetworkFilesTest, LoadsWhatWasSaved) {
  Layer from, to;
  from.weight.value = {-1, 0.5f, 3e-20f, 1e20f};
  from.mean.value = {8, 9};
  from.step.value = {10};
  ASSERT_OK(to.Load(from.Save(), true));
  EXPECT_EQ(to.weight.value, from.weight.value);
  EXPECT_EQ(to.mean.value, from.mean.value);
  EXPECT_EQ(to.step.value, from.step.value);
}

TEST(NetworkFilesTest, SavesLittleEndianFloatsWithTheirShape) {
  Layer layer;
  const v1::FloatNetwork file = layer.Save();
  ASSERT_EQ(file.tensors_size(), 3);
  EXPECT_EQ(file.tensors(0).name(), "a.weight");
  EXPECT_THAT(file.tensors(0).shape(), ElementsAre(2, 1, 1, 2));
  EXPECT_EQ(file.tensors(0).data().substr(0, 8),
            std::string("\x00\x00\x80\x3f\x00\x00\x00\x40", 8));
}

TEST(NetworkFilesTest, OtherTensorsAreLeftAlone) {
  Layer layer;
  v1::FloatNetwork file = layer.Save();
  file.mutable_tensors()->DeleteSubrange(1, 2);
  file.mutable_tensors(0)->set_name("b.weight");
  layer.weight.value = {9, 9, 9, 9};
  EXPECT_OK(layer.Load(file, false));
  EXPECT_THAT(layer.weight.value, ElementsAre(9, 9, 9, 9));
}

TEST(NetworkFilesTest, AMissingTensorIsNamedUnlessItIsAStep) {
  Layer layer;
  v1::FloatNetwork file = layer.Save();
  file.mutable_tensors()->RemoveLast();
  EXPECT_OK(layer.Load(file, true));
  file.mutable_tensors()->RemoveLast();
  EXPECT_THAT(layer.Load(file, true),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("a.mean")));
}

TEST(NetworkFilesTest, WrongShapesAndSizesAreRefused) {
  Layer layer;
  v1::FloatNetwork shape = layer.Save();
  shape.mutable_tensors(0)->set_shape(0, 4);
  shape.mutable_tensors(0)->set_shape(3, 1);
  EXPECT_THAT(layer.Load(shape, false),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.weight has shape 4x1x1x1")));
  v1::FloatNetwork data = layer.Save();
  data.mutable_tensors(1)->mutable_data()->pop_back();
  EXPECT_THAT(layer.Load(data, false),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.mean has shape 2 and 7 bytes")));
}

TEST(NetworkFilesTest, ValuesThatAreNotFiniteAreRefusedAndNothingChanges) {
  Layer from, to;
  from.weight.value = {9, 9, 9, 9};
  from.mean.value[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(to.Load(from.Save(), false),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a.mean has a value that is not finite")));
  EXPECT_THAT(to.weight.value, ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace frostnas::nn
