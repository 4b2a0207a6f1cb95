#include "quant/qat.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "arch/graph.h"
#include "base/random.h"
#include "base/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/network.h"
#include "nn/tensor.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/graph_executor.h"
#include "quant/kernels/reference_layer.h"
#include "quant/package.h"
#include "quant/testing/architectures.h"

namespace frostnas::quant {
namespace {

using ::testing::HasSubstr;

// Not 0.5: every pixel would then lie between two points of the input's grid,
// where float rounding decides.
constexpr float kMean = 0.47f;
constexpr float kStddev = 0.25f;

v1::DatasetInfo TestDataset(int channels) {
  v1::DatasetInfo info;
  info.set_name("test");
  for (int c = 0; c < channels; ++c) {
    info.add_mean(kMean);
    info.add_stddev(kStddev);
  }
  return info;
}

// Random pixels, and the same normalised as nn/data/loader.h does.
struct Images {
  std::vector<uint8_t> pixels;
  nn::Tensor tensor;
};

Images RandomImages(const arch::Graph& graph, int count, uint64_t seed) {
  Images images;
  images.tensor.Resize(
      {count, graph.input.size, graph.input.size, graph.input.channels});
  images.pixels.resize(images.tensor.elements());
  Random random(seed);
  for (size_t i = 0; i < images.pixels.size(); ++i) {
    images.pixels[i] = static_cast<uint8_t>(random.NextUint32());
    images.tensor.data()[i] =
        (static_cast<float>(images.pixels[i]) / 255 - kMean) / kStddev;
  }
  return images;
}

// A network whose gammas have both signs and some zeros, with observed ranges.
class Trained {
 public:
  explicit Trained(const v1::Architecture& architecture)
      : architecture_(architecture),
        graph_(arch::ExpandArchitecture(architecture).value()),
        network_(nn::Network::Create(graph_, {.seed = 3}).value()),
        plan_(QatPlan::Create(graph_, {}).value()) {
    nn::SetComputeThreads(1);
    Random random(17);
    for (nn::Parameter* parameter : network_->parameters()) {
      if (parameter->role != nn::ParameterRole::kNorm) continue;
      for (float& value : parameter->value) {
        value += static_cast<float>(0.5 * random.Normal());
      }
      parameter->value[0] = 0;
      parameter->value.back() *= -1;
    }
    plan_->Attach(*network_);
    for (uint64_t step = 0; step < 30; ++step) {
      network_->Forward(RandomImages(graph_, 16, step).tensor,
                        nn::Mode::kTrain);
    }
    plan_->SetPhase(QatPhase::kFrozen);
  }

  v1::Package Package() const {
    return Convert(*network_, *plan_, architecture_,
                   TestDataset(graph_.input.channels))
        .value();
  }
  const arch::Graph& graph() const { return graph_; }
  nn::Network& network() { return *network_; }
  QatPlan& plan() { return *plan_; }

 private:
  v1::Architecture architecture_;
  arch::Graph graph_;
  std::unique_ptr<nn::Network> network_;
  std::unique_ptr<QatPlan> plan_;
};

// The stored form of a fake-quantized tensor.
std::vector<uint8_t> Stored(const nn::Tensor& tensor,
                            const nn::AffineGrid& grid) {
  std::vector<uint8_t> stored;
  for (float value : tensor.span()) {
    stored.push_back(static_cast<uint8_t>(grid.zero_point +
                                          std::nearbyint(value / grid.scale)));
  }
  return stored;
}

// How an integer layer differs from its fake-quantized twin.
struct Difference {
  double share = 0;
  int largest = 0;
};

Difference Compare(const std::vector<uint8_t>& a,
                   const std::vector<uint8_t>& b) {
  Difference difference;
  for (size_t i = 0; i < a.size(); ++i) {
    const int step = std::abs(a[i] - b[i]);
    difference.largest = std::max(difference.largest, step);
    if (step > 0) difference.share += 1.0 / a.size();
  }
  return difference;
}

// Every layer on its own: the integer kernel gets the fake-quantized network's
// own input. What is left is the rounding of the bias (half a unit of s_in s_w,
// a small part of a step) and of float sums.
void ExpectLayersEqualTheirTwins(const v1::Architecture& architecture) {
  Trained trained(architecture);
  ASSERT_OK_AND_ASSIGN(const ExecutableGraph executable,
                       MakeExecutable(trained.Package()));
  const QuantizedGraph& quantized = executable.quantized;
  const int batch = 4;
  const Images images = RandomImages(trained.graph(), batch, 99);
  trained.network().Forward(images.tensor, nn::Mode::kEval);
  std::vector<std::vector<uint8_t>> stored(1);
  for (size_t i = 0; i < images.pixels.size(); ++i) {
    stored[0].push_back(executable.input_table[i % 3][images.pixels[i]]);
  }
  for (int i = 0; i < static_cast<int>(quantized.layers.size()); ++i) {
    const std::vector<int>& inputs = trained.graph().layers[i].inputs;
    stored.push_back(
        Stored(trained.network().layer_output(i), trained.plan().grid(i)));
    std::vector<uint8_t> dst(stored.back().size());
    RunReferenceLayer(quantized, i,
                      {.batch = batch,
                       .a = stored[inputs[0] + 1],
                       .b = stored[inputs.back() + 1],
                       .dst = absl::MakeSpan(dst)});
    const Difference difference = Compare(dst, stored.back());
    EXPECT_LE(difference.largest, 1) << quantized.layers[i].name();
    EXPECT_LE(difference.share, 0.01) << quantized.layers[i].name();
  }
}

TEST(ConvertTest, EveryLayerEqualsItsFakeQuantizedTwin) {
  ExpectLayersEqualTheirTwins(EveryLayerArchitecture());
}

TEST(ConvertTest, NormsAfterActivationsEqualTheirFakeQuantizedTwins) {
  ExpectLayersEqualTheirTwins(NormAfterActivationArchitecture());
}

TEST(ConvertTest, OnednnGivesTheReferencesLogits) {
  Trained trained(EveryLayerArchitecture());
  const v1::Package package = trained.Package();
  ASSERT_OK_AND_ASSIGN(const auto reference, CreateReferenceExecutor(package));
  ASSERT_OK_AND_ASSIGN(const auto onednn, CreateOnednnExecutor(package));
  const Images images = RandomImages(trained.graph(), 64, 5);
  std::vector<float> expected(64 * 10), actual(64 * 10);
  reference->Run(images.pixels, 64, absl::MakeSpan(expected));
  onednn->Run(images.pixels, 64, absl::MakeSpan(actual));
  EXPECT_EQ(expected, actual);
}

TEST(ConvertTest, RandomNetworksConvert) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    Trained trained(RandomArchitecture(seed));
    const std::string bytes = SerializePackage(trained.Package());
    ASSERT_OK_AND_ASSIGN(const v1::Package package, ParsePackage(bytes));
    EXPECT_OK(CreateOnednnExecutor(package));
  }
}

TEST(ConvertTest, RefusesAnUnobservedRange) {
  const v1::Architecture architecture = EveryLayerArchitecture();
  ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                       arch::ExpandArchitecture(architecture));
  ASSERT_OK_AND_ASSIGN(const auto network, nn::Network::Create(graph, {}));
  ASSERT_OK_AND_ASSIGN(const auto plan, QatPlan::Create(graph, {}));
  EXPECT_THAT(Convert(*network, *plan, architecture, TestDataset(3)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("input.range")));
}

TEST(ConvertTest, RefusesAWeightThatIsNotFinite) {
  Trained trained(EveryLayerArchitecture());
  trained.network().parameters()[0]->value[5] = NAN;
  EXPECT_THAT(Convert(trained.network(), trained.plan(),
                      EveryLayerArchitecture(), TestDataset(3)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("b1.conv.weight")));
}

TEST(QatPlanTest, ObservingQuantizesNothing) {
  Trained trained(EveryLayerArchitecture());
  const Images images = RandomImages(trained.graph(), 4, 1);
  trained.plan().SetPhase(QatPhase::kObserving);
  const nn::Tensor observed =
      trained.network().Forward(images.tensor, nn::Mode::kEval).Clone();
  trained.plan().Detach();
  const nn::Tensor& plain =
      trained.network().Forward(images.tensor, nn::Mode::kEval);
  EXPECT_EQ(observed.span(), plain.span());
}

TEST(QatPlanTest, ConcatAndItsInputsShareAGridPoolingKeepsOne) {
  Trained trained(EveryLayerArchitecture());
  const std::vector<arch::Layer>& layers = trained.graph().layers;
  int shared = 0;
  for (int i = 0; i < static_cast<int>(layers.size()); ++i) {
    if (layers[i].kind != arch::LayerKind::kConcat &&
        layers[i].kind != arch::LayerKind::kMaxPool &&
        layers[i].kind != arch::LayerKind::kDropout) {
      continue;
    }
    for (int input : layers[i].inputs) {
      ++shared;
      EXPECT_EQ(trained.plan().grid(i).scale, trained.plan().grid(input).scale);
      EXPECT_EQ(trained.plan().grid(i).zero_point,
                trained.plan().grid(input).zero_point);
    }
  }
  EXPECT_GE(shared, 4);
}

TEST(QatPlanTest, ReluOutputsStartAtZeroOutsideOfConcats) {
  Trained trained(EveryLayerArchitecture());
  int expanded = 0;
  for (size_t i = 0; i < trained.graph().layers.size(); ++i) {
    const std::string& name = trained.graph().layers[i].name;
    if (!absl::EndsWith(name, ".expand")) continue;
    ++expanded;
    EXPECT_EQ(trained.plan().grid(static_cast<int>(i)).zero_point, 0) << name;
  }
  EXPECT_GE(expanded, 3);
}

TEST(QatPlanTest, RangesSurviveSaveAndLoad) {
  Trained trained(EveryLayerArchitecture());
  v1::FloatNetwork saved;
  trained.plan().Save(saved);
  ASSERT_OK_AND_ASSIGN(const auto plan, QatPlan::Create(trained.graph(), {}));
  ASSERT_OK(plan->Load(saved, /*require_all=*/true));
  for (int i = arch::kGraphInput;
       i < static_cast<int>(trained.graph().layers.size()); ++i) {
    EXPECT_EQ(plan->grid(i).scale, trained.plan().grid(i).scale);
    EXPECT_EQ(plan->grid(i).zero_point, trained.plan().grid(i).zero_point);
  }
  saved.mutable_tensors()->DeleteSubrange(0, 1);
  EXPECT_THAT(plan->Load(saved, true),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("input.range")));
  EXPECT_OK(plan->Load(saved, false));
}

TEST(QatPlanTest, RefusesBitsOutOfRange) {
  ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                       arch::ExpandArchitecture(EveryLayerArchitecture()));
  EXPECT_THAT(
      QatPlan::Create(graph, {.weight_bits = 1}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("weight_bits")));
  EXPECT_THAT(QatPlan::Create(graph, {.range_momentum = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("range_momentum")));
}

// Clipped logits send no gradient to what must come down (docs/training.md).
TEST(QatPlanTest, OptionsSayFromWhenLogitsAreQuantized) {
  ASSERT_OK_AND_ASSIGN(const arch::Graph graph,
                       arch::ExpandArchitecture(EveryLayerArchitecture()));
  const nn::Tensor images = RandomImages(graph, 4, 1).tensor;
  for (const auto& [options, clipped] :
       {std::pair(QatOptions(), false),
        std::pair(PublishedQatOptions(), true)}) {
    ASSERT_OK_AND_ASSIGN(const auto network, nn::Network::Create(graph, {}));
    ASSERT_OK_AND_ASSIGN(const auto plan, QatPlan::Create(graph, options));
    plan->Attach(*network);
    network->Forward(images, nn::Mode::kTrain);
    plan->SetPhase(QatPhase::kQuantizing);
    const nn::Tensor& logits = network->Forward(images, nn::Mode::kEval);
    const nn::AffineGrid grid =
        plan->grid(static_cast<int>(graph.layers.size()) - 1);
    bool on_grid = true;
    for (const float logit : logits.span()) {
      const float steps = logit / grid.scale;
      on_grid = on_grid && std::abs(steps - std::nearbyint(steps)) < 1e-3f;
    }
    EXPECT_EQ(on_grid, clipped);
  }
}

}  // namespace
}  // namespace frostnas::quant
