#include "quant/methods/fixed_point/fixed_point_search.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "base/check.h"
#include "base/status_matchers.h"
#include "base/stop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nn/threads.h"
#include "quant/executor.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/methods/cost.h"
#include "quant/methods/fixed_point/allocation.h"
#include "quant/methods/fixed_point/fixed_point_stages.h"
#include "quant/methods/fixed_point/searched_tensor.h"
#include "quant/methods/ranges/batches.h"
#include "quant/methods/ranges/calibrator.h"
#include "quant/testing/architectures.h"
#include "quant/testing/float_network.h"

namespace frostnas::quant {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A random network, as sure of its answers as a trained one, and what it says
// of random images, so that its float top-1 is 1 and every changed answer is a
// loss.
struct Case {
  explicit Case(const v1::Architecture& architecture)
      : folded(Fold(RandomFloatNetwork(architecture, 5)).value()),
        images(RandomImages(architecture, 150, 3)) {
    nn::SetComputeThreads(1);
    for (float& weight : folded.layers.back().weights) weight *= 50;
    for (float& bias : folded.layers.back().bias) bias *= 50;
    const auto network = FloatNetworkOf(folded).value();
    int next = 0;
    const auto label = [&](const nn::Tensor& batch) {
      const nn::Tensor& logits = network->Forward(batch, nn::Mode::kEval);
      const int classes = static_cast<int>(logits.elements()) / batch.shape().n;
      for (int i = 0; i < batch.shape().n; ++i) {
        const float* row = logits.data() + i * classes;
        images.labels[next++] =
            static_cast<int>(std::max_element(row, row + classes) - row);
      }
    };
    CHECK_OK(ForEachBatch({images, folded.dataset}, {}, label));
    const auto extremes =
        ObserveExtremes(folded, {images, folded.dataset}, {}).value();
    ranges = GroupRanges(folded.graph, extremes);
  }

  FixedPointContext Context(ActivationForm form) const {
    const Range input =
        ranges[GridGroups(folded.graph).group(arch::kGraphInput)];
    return {.network = folded,
            .form = form,
            .ranges = ranges,
            .input = ChooseGrid(input.min, input.max, 8)};
  }
  std::unique_ptr<PlanEvaluator> Evaluator() const {
    return PlanEvaluator::Create(folded, images).value();
  }
  // Of the package, in the executor.
  double Int8Top1(const QuantizationPlan& plan) const {
    const auto executor =
        CreateOnednnExecutor(Assemble(folded, plan).value()).value();
    return Top1(*executor, images.pixels, images.labels);
  }

  FoldedNetwork folded;
  nn::ImageSet images;
  std::vector<Range> ranges;
};

TEST(PlanEvaluatorTest, BelievesWhatTheExecutorGivesWhereverItStarts) {
  for (const v1::Architecture& architecture :
       {EveryLayerArchitecture(), NormAfterActivationArchitecture()}) {
    const Case c(architecture);
    const FixedPointContext context = c.Context(ActivationForm::kSigned);
    const FixedPointNetwork start = NoClipStart(context);
    const auto evaluator = c.Evaluator();
    EXPECT_EQ(evaluator->float_top1(), 1);
    FixedPointPlanner planner(context);
    ASSERT_OK(evaluator->SetBase(planner.PlanOf(start), 0));
    for (TensorKind kind : {TensorKind::kActivation, TensorKind::kWeights}) {
      for (const SearchedTensor& tensor : TensorsOf(c.folded.graph, kind)) {
        FixedPointNetwork changed = start;
        const FixedPoint format = FormatOf(tensor, start);
        SetFormat(tensor, {4, format.fraction - 4}, changed);
        const QuantizationPlan plan = planner.PlanOf(changed);
        ASSERT_OK_AND_ASSIGN(const PlanScore score,
                             evaluator->Evaluate(plan, tensor.first_layer));
        EXPECT_EQ(score.top1, c.Int8Top1(plan)) << tensor.name;
        EXPECT_DOUBLE_EQ(score.loss, 1 - score.top1);
      }
    }
  }
}

TEST(PlanEvaluatorTest, RefusesImagesThatDoNotFit) {
  const Case c(NormAfterActivationArchitecture());
  nn::ImageSet none = c.images;
  none.labels.clear();
  none.pixels.clear();
  EXPECT_THAT(PlanEvaluator::Create(c.folded, none),
              StatusIs(absl::StatusCode::kInvalidArgument));
  nn::ImageSet small = c.images;
  small.size = 8;
  EXPECT_THAT(PlanEvaluator::Create(c.folded, small),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("images have 8 pixels")));
  StopSource stop;
  stop.RequestStop();
  EXPECT_THAT(PlanEvaluator::Create(c.folded, c.images, stop.token()),
              StatusIs(absl::StatusCode::kCancelled));
}

void ExpectSound(const Case& c, const FixedPointContext& context,
                 const SearchResult& found, double max_loss) {
  const auto bits = BitsOf(context, found.choice);
  const Saving saving =
      SavingOf(CostOf(c.folded.graph, bits), EightBitCost(c.folded.graph));
  EXPECT_GT(saving.memory, 0.05);
  EXPECT_GT(saving.multiplications, 0.1);
  EXPECT_LE(found.score.believed_loss(), max_loss);
  EXPECT_EQ(found.score.top1,
            c.Int8Top1(FixedPointPlanner(context).PlanOf(found.choice)));
  EXPECT_GT(found.evaluations, 50);
}

TEST(SearchTest, EverySearchFindsAPackageOfItsLoss) {
  // Its answers are many channels' noise: every bit tells.
  constexpr double kMaxLoss = 0.5;
  const Case c(NormAfterActivationArchitecture());
  const auto evaluator = c.Evaluator();
  const auto ignore = [](const SearchProgress&) {};
  const FixedPointContext published = c.Context(ActivationForm::kSigned);
  ASSERT_OK_AND_ASSIGN(SearchResult found,
                       GreedySearch(published, *evaluator, kMaxLoss, ignore));
  ExpectSound(c, published, found, kMaxLoss);
  ASSERT_OK_AND_ASSIGN(
      found, IndependentSearch(published, *evaluator, kMaxLoss, ignore));
  ExpectSound(c, published, found, kMaxLoss);
  FixedPointContext ours = c.Context(ActivationForm::kOffset);
  ASSERT_OK_AND_ASSIGN(
      const TensorExtremes extremes,
      ObserveExtremes(c.folded, {c.images, c.folded.dataset}, {}));
  ASSERT_OK_AND_ASSIGN(
      ours.values,
      ObserveHistograms(c.folded, extremes, {c.images, c.folded.dataset}, {}));
  ASSERT_OK_AND_ASSIGN(
      ours.inputs, ObserveInputs(c.folded, {c.images, c.folded.dataset}, {}));
  ASSERT_OK_AND_ASSIGN(
      found, AllocateBits(ours, *evaluator, {.max_loss = kMaxLoss}, ignore));
  ExpectSound(c, ours, found, kMaxLoss);
}

TEST(SearchTest, WithNothingToLoseTheStartIsTheResult) {
  const Case c(NormAfterActivationArchitecture());
  const auto evaluator = c.Evaluator();
  const FixedPointContext context = c.Context(ActivationForm::kSigned);
  for (const auto search : {GreedySearch, IndependentSearch}) {
    ASSERT_OK_AND_ASSIGN(const SearchResult found,
                         search(context, *evaluator, 0, {}));
    const QuantizationPlan start =
        FixedPointPlanner(context).PlanOf(NoClipStart(context));
    EXPECT_EQ(found.score.top1, c.Int8Top1(start));
    EXPECT_EQ(found.evaluations, 0);
    for (TensorKind kind :
         {TensorKind::kWeights, TensorKind::kBias, TensorKind::kActivation}) {
      for (const SearchedTensor& tensor : TensorsOf(c.folded.graph, kind)) {
        EXPECT_EQ(FormatOf(tensor, found.choice).bits,
                  kind == TensorKind::kBias ? 16 : 8);
      }
    }
  }
}

// A network of zeros gives one answer whatever its bits; nothing is NaN.
TEST(SearchTest, ConstantNetworksGetTheFewestBits) {
  const v1::Architecture architecture = NormAfterActivationArchitecture();
  FoldedNetwork folded = Fold(RandomFloatNetwork(architecture, 5)).value();
  for (FoldedLayer& layer : folded.layers) {
    for (float& weight : layer.weights) weight = 0;
    for (float& bias : layer.bias) bias = 0;
  }
  const nn::ImageSet images = RandomImages(architecture, 40, 3);
  const MethodInputs inputs = {.network = folded,
                               .calibration = images,
                               .search = images,
                               .train = images};
  for (const auto run : {RunFixedPoint, RunFixedPointPlus}) {
    MethodResult result = {.network = folded};
    result.bits.resize(folded.layers.size());
    ASSERT_OK(run(inputs, result));
    ASSERT_OK(Assemble(folded, result.plan));
    for (size_t i = 0; i < folded.layers.size(); ++i) {
      if (!folded.graph.layers[i].has_weights()) continue;
      EXPECT_LE(result.bits[i].weights, 2) << folded.graph.layers[i].name;
    }
  }
}

// One filter leaves a power of two a tensor no step for the others.
TEST(SearchTest, RefusesWhatLosesMoreThanAllowed) {
  const v1::Architecture architecture = NormAfterActivationArchitecture();
  FoldedNetwork folded = Fold(RandomFloatNetwork(architecture, 5)).value();
  FoldedLayer& first = *absl::c_find_if(
      folded.layers, [](const auto& layer) { return !layer.weights.empty(); });
  const size_t filter = first.weights.size() / first.bias.size();
  for (size_t i = 0; i < filter; ++i) first.weights[i] *= 1e4f;
  const nn::ImageSet images = RandomImages(architecture, 40, 3);
  MethodInputs inputs = {.network = folded,
                         .calibration = images,
                         .search = images,
                         .train = images};
  inputs.options.max_accuracy_loss = 1e-6;
  // Nothing is searched from such a start.
  inputs.progress = [](double, const std::string& what) {
    EXPECT_THAT(what, Not(HasSubstr("run 1")));
    EXPECT_THAT(what, Not(HasSubstr("halved")));
  };
  MethodResult result = {.network = folded};
  result.bits.resize(folded.layers.size());
  for (const auto run : {RunFixedPoint, RunFixedPointIndependent}) {
    EXPECT_THAT(run(inputs, result),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("nothing within max_accuracy_loss")));
  }
}

}  // namespace
}  // namespace frostnas::quant
