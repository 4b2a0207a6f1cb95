#include "quant/methods/learned/lsq.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "nn/data/loader.h"
#include "nn/loss.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/methods/learned/learned_network.h"
#include "quant/methods/learned/lsq_quantizer.h"
#include "quant/methods/learned/tuning.h"
#include "quant/methods/ranges/batches.h"
#include "quant/methods/ranges/calibrator.h"

namespace frostnas::quant {
namespace {

constexpr int kBatch = 64;
// With 8 bits a quarter of the float training's (section 3.4), which is 1e-4.
constexpr double kWeightDecay = 2.5e-5;

// Of logits while they are trained.
class NotQuantized final : public LearnedGrid {
 public:
  bool quantizing() const override { return false; }
  nn::AffineGrid grid() const override { return {}; }
};

Magnitudes MagnitudesOf(const Histogram& values) {
  Magnitudes magnitudes;
  for (int bin = 0; bin < values.bins(); ++bin) {
    magnitudes.mean +=
        std::abs(values.center(bin)) * static_cast<double>(values.count(bin));
  }
  magnitudes.mean /= static_cast<double>(std::max<int64_t>(values.total(), 1));
  magnitudes.largest = std::max(-values.range().min, values.range().max);
  return magnitudes;
}

absl::StatusOr<std::vector<std::unique_ptr<LearnedGrid>>> MakeGrids(
    const MethodInputs& inputs, const FoldedNetwork& network) {
  const CalibrationImages images = {inputs.calibration, network.dataset};
  ASSIGN_OR_RETURN(const TensorExtremes extremes,
                   ObserveExtremes(network, images, inputs.stop));
  ASSIGN_OR_RETURN(const std::vector<Histogram> histograms,
                   ObserveHistograms(network, extremes, images, inputs.stop));
  const std::vector<Range> ranges = GroupRanges(network.graph, extremes);
  const GridGroups groups(network.graph);
  const int input = groups.group(arch::kGraphInput);
  const int logits =
      groups.group(static_cast<int>(network.graph.layers.size()) - 1);
  std::vector<std::unique_ptr<LearnedGrid>> grids;
  for (int g = 0; g < groups.num_groups(); ++g) {
    if (g == input) {
      grids.push_back(std::make_unique<FixedGrid>(
          ChooseGrid(ranges[g].min, ranges[g].max, 8)));
    } else if (g == logits) {
      grids.push_back(std::make_unique<NotQuantized>());
    } else {
      grids.push_back(std::make_unique<LsqGrid>(
          absl::StrCat("grid", g), MagnitudesOf(histograms[g]),
          ranges[g].min < 0, inputs.options.activation_bits));
    }
  }
  return grids;
}

absl::StatusOr<std::unique_ptr<LearnedNetwork>> WithSteps(
    const MethodInputs& inputs, const FoldedNetwork& network) {
  const MethodOptions& options = inputs.options;
  LearnedParts parts;
  parts.weight_bits = options.weight_bits;
  ASSIGN_OR_RETURN(parts.grids, MakeGrids(inputs, network));
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const arch::Layer& layer = network.graph.layers[i];
    std::unique_ptr<LearnedWeights>& weights = parts.weights.emplace_back();
    if (!layer.has_weights()) continue;
    weights = std::make_unique<LsqWeights>(
        layer.name, network.layers[i].weights, FilterLayoutOf(layer),
        options.weights, options.weight_bits);
  }
  return LearnedNetwork::Create(network, std::move(parts));
}

absl::Status Train(const MethodInputs& inputs, LearnedNetwork& learned) {
  const MethodOptions& options = inputs.options;
  TuningOptions tuning;
  tuning.optimizer.kind = nn::OptimizerKind::kSgd;
  tuning.optimizer.nesterov = false;
  tuning.optimizer.weight_decay = kWeightDecay;
  tuning.learning_rate =
      options.learning_rate > 0 ? options.learning_rate : kLsqLearningRate;
  tuning.epochs = options.epochs > 0 ? options.epochs : kLsqEpochs;
  tuning.epochs_in_cycle = tuning.epochs;
  tuning.stop = inputs.stop;
  tuning.on_step = [&](double done, double mean) {
    inputs.Report(
        done, absl::StrFormat("training weights and steps, loss %.4f", mean));
  };
  nn::LoaderOptions loading = {.batch = kBatch, .seed = options.seed};
  loading.augmentation =
      nn::StandardAugmentation(inputs.network.dataset, tuning.epochs);
  nn::Loader loader(inputs.train, inputs.network.dataset, loading);
  const BatchLoss loss = [](const nn::Batch& batch, const nn::Tensor& logits,
                            nn::Tensor& diff_logits) {
    return nn::SoftmaxCrossEntropy(logits, batch.labels, 0, &diff_logits).loss;
  };
  std::vector<nn::Parameter*> parameters = learned.layer_parameters();
  for (nn::Parameter* parameter : learned.quantizer_parameters()) {
    parameters.push_back(parameter);
  }
  return Tune({learned, loader, parameters, loss}, tuning).status();
}

// The logits' range in the trained network.
absl::StatusOr<Range> LogitRange(const MethodInputs& inputs,
                                 LearnedNetwork& learned) {
  Range range;
  RETURN_IF_ERROR(ForEachBatch(
      {inputs.calibration, inputs.network.dataset}, inputs.stop,
      [&](const nn::Tensor& batch) {
        for (const float logit :
             learned.network().Forward(batch, nn::Mode::kEval).span()) {
          range.min = std::min(range.min, logit);
          range.max = std::max(range.max, logit);
        }
      }));
  return range;
}

}  // namespace

absl::Status RunLsq(const MethodInputs& inputs, MethodResult& result) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LearnedNetwork> learned,
                   WithSteps(inputs, result.network));
  RETURN_IF_ERROR(Train(inputs, *learned));
  ASSIGN_OR_RETURN(const Range range, LogitRange(inputs, *learned));
  result.network = learned->Folded();
  result.plan = learned->Plan();
  const GridGroups groups(result.network.graph);
  const int layers = static_cast<int>(result.network.layers.size());
  for (int i = 0; i < layers; ++i) {
    if (groups.group(i) != groups.group(layers - 1)) continue;
    result.plan.outputs[i].grid =
        ChooseGrid(range.min, range.max, inputs.options.activation_bits);
  }
  SetBits(inputs.options, result);
  result.notes.push_back(
      "Weights, biases and step sizes were trained on the labelled training "
      "images.");
  return absl::OkStatus();
}

}  // namespace frostnas::quant
