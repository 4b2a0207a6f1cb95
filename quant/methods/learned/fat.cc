#include "quant/methods/learned/fat.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "nn/data/loader.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/methods/learned/distillation.h"
#include "quant/methods/learned/rescale.h"
#include "quant/methods/learned/thresholds.h"
#include "quant/methods/learned/tuning.h"
#include "quant/methods/ranges/batches.h"
#include "quant/methods/ranges/calibrator.h"
#include "quant/methods/ranges/weight_scales.h"

namespace frostnas::quant {
namespace {

constexpr int kBatch = 50;
constexpr int kEpochsInCycle = 2;

// Images with the float network's logits, a row each; an image's label is its
// row.
struct Teacher {
  nn::ImageSet images;
  nn::Tensor logits;
};

// `count` of the images, drawn.
nn::ImageSet DrawImages(const nn::ImageSet& images, int count, uint64_t seed) {
  std::vector<int> order(images.count());
  std::iota(order.begin(), order.end(), 0);
  Random(seed).Split("fat images").Shuffle(order);
  nn::ImageSet drawn;
  drawn.size = images.size;
  drawn.channels = images.channels;
  for (int i = 0; i < count; ++i) {
    const auto image = images.image(order[i]);
    drawn.pixels.insert(drawn.pixels.end(), image.begin(), image.end());
    drawn.labels.push_back(i);
  }
  return drawn;
}

absl::StatusOr<Teacher> MakeTeacher(const MethodInputs& inputs) {
  const int all = inputs.train.count();
  if (all == 0) {
    return absl::InvalidArgumentError("there are no images to train on");
  }
  const int share = static_cast<int>(kFatImageShare * all);
  Teacher teacher;
  teacher.images =
      DrawImages(inputs.train, std::clamp(share, std::min(kBatch, all), all),
                 inputs.options.seed);
  const int classes = inputs.network.graph.layers.back().out.channels;
  teacher.logits.Resize({teacher.images.count(), 1, 1, classes});
  ASSIGN_OR_RETURN(const std::unique_ptr<nn::Network> network,
                   FloatNetworkOf(inputs.network));
  float* to = teacher.logits.data();
  RETURN_IF_ERROR(ForEachBatch(
      {teacher.images, inputs.network.dataset}, inputs.stop,
      [&](const nn::Tensor& batch) {
        const auto logits = network->Forward(batch, nn::Mode::kEval).span();
        to = std::copy(logits.begin(), logits.end(), to);
      }));
  return teacher;
}

// The logits of the images with these labels.
void TakeRows(const Teacher& teacher, absl::Span<const int32_t> labels,
              nn::Tensor& rows) {
  const int classes = teacher.logits.shape().c;
  rows.Resize({static_cast<int>(labels.size()), 1, 1, classes});
  float* to = rows.data();
  for (const int32_t label : labels) {
    to = std::copy_n(teacher.logits.data() + int64_t{label} * classes, classes,
                     to);
  }
}

// Mean loss on the teacher's images, in evaluation.
absl::StatusOr<double> Distance(const MethodInputs& inputs,
                                const Teacher& teacher,
                                LearnedNetwork& learned) {
  nn::Loader loader(teacher.images, inputs.network.dataset,
                    {.batch = kBatch, .shuffle = false, .drop_last = false});
  loader.StartEpoch(0);
  double sum = 0;
  nn::Tensor rows, unused;
  while (const nn::Batch* batch = loader.Next()) {
    RETURN_IF_ERROR(inputs.stop.Check());
    TakeRows(teacher, batch->labels, rows);
    sum += LogitRmse(learned.network().Forward(batch->images, nn::Mode::kEval),
                     rows, unused);
  }
  return sum / loader.batches();
}

absl::Status Train(const MethodInputs& inputs, const Teacher& teacher,
                   LearnedNetwork& learned) {
  const MethodOptions& options = inputs.options;
  nn::Loader loader(teacher.images, inputs.network.dataset,
                    {.batch = std::min(kBatch, teacher.images.count()),
                     .seed = options.seed});
  nn::Tensor rows;
  const BatchLoss loss = [&](const nn::Batch& batch, const nn::Tensor& logits,
                             nn::Tensor& diff_logits) {
    TakeRows(teacher, batch.labels, rows);
    return LogitRmse(logits, rows, diff_logits);
  };
  TuningOptions tuning;
  tuning.optimizer.kind = nn::OptimizerKind::kAdam;
  tuning.learning_rate =
      options.learning_rate > 0 ? options.learning_rate : kFatLearningRate;
  tuning.epochs = options.epochs > 0 ? options.epochs : kFatEpochs;
  tuning.epochs_in_cycle = kEpochsInCycle;
  tuning.stop = inputs.stop;
  tuning.on_step = [&](double done, double mean) {
    inputs.Report(done,
                  absl::StrFormat("training thresholds, loss %.4f", mean));
  };
  return Tune({learned, loader, learned.quantizer_parameters(), loss}, tuning)
      .status();
}

std::unique_ptr<LearnedGrid> MakeGrid(const std::string& name,
                                      const Range& range, int bits,
                                      ThresholdKind kind) {
  if (kind == ThresholdKind::kSymmetric) {
    return std::make_unique<SymmetricThreshold>(name, range, bits);
  }
  return std::make_unique<AsymmetricThreshold>(name, range, bits);
}

absl::Status RunThresholds(ThresholdKind kind, const MethodInputs& inputs,
                           MethodResult& result) {
  if (inputs.options.rescale) RETURN_IF_ERROR(RunRescale(inputs, result));
  ASSIGN_OR_RETURN(const std::unique_ptr<LearnedNetwork> learned,
                   WithThresholds(inputs, result.network, kind));
  ASSIGN_OR_RETURN(const Teacher teacher, MakeTeacher(inputs));
  result.plan = learned->Plan();
  ASSIGN_OR_RETURN(const double before, Distance(inputs, teacher, *learned));
  RETURN_IF_ERROR(Train(inputs, teacher, *learned));
  ASSIGN_OR_RETURN(const double after, Distance(inputs, teacher, *learned));
  if (after < before) result.plan = learned->Plan();
  SetBits(inputs.options, result);
  result.notes.push_back(absl::StrFormat(
      "Thresholds were trained on %d images without labels; the logits' root "
      "mean square distance from the float network's went from %.4f to %.4f%s.",
      teacher.images.count(), before, after,
      after < before ? "" : ", so that the untrained ones are kept"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<LearnedNetwork>> WithThresholds(
    const MethodInputs& inputs, const FoldedNetwork& network,
    ThresholdKind kind) {
  const MethodOptions& options = inputs.options;
  ASSIGN_OR_RETURN(
      const TensorExtremes extremes,
      ObserveExtremes(network, {inputs.calibration, network.dataset},
                      inputs.stop));
  const std::vector<Range> ranges = GroupRanges(network.graph, extremes);
  const GridGroups groups(network.graph);
  const int layers = static_cast<int>(network.layers.size());
  const int input = groups.group(arch::kGraphInput);
  const int logits = groups.group(layers - 1);
  LearnedParts parts;
  parts.weight_bits = options.weight_bits;
  for (int g = 0; g < groups.num_groups(); ++g) {
    if (g == input || g == logits) {
      parts.grids.push_back(std::make_unique<FixedGrid>(
          ChooseGrid(ranges[g].min, ranges[g].max,
                     g == input ? 8 : options.activation_bits)));
      continue;
    }
    parts.grids.push_back(MakeGrid(absl::StrCat("grid", g), ranges[g],
                                   options.activation_bits, kind));
  }
  for (int i = 0; i < layers; ++i) {
    const arch::Layer& layer = network.graph.layers[i];
    std::unique_ptr<LearnedWeights>& weights = parts.weights.emplace_back();
    if (!layer.has_weights()) continue;
    weights = std::make_unique<WeightThresholds>(
        layer.name,
        ChooseWeightScales(network.layers[i].weights, FilterLayoutOf(layer),
                           options.weights, {.bits = options.weight_bits}),
        options.weights, options.weight_bits);
  }
  return LearnedNetwork::Create(network, std::move(parts));
}

absl::Status RunFat(const MethodInputs& inputs, MethodResult& result) {
  return RunThresholds(ThresholdKind::kAsymmetric, inputs, result);
}

absl::Status RunFatSymmetric(const MethodInputs& inputs, MethodResult& result) {
  return RunThresholds(ThresholdKind::kSymmetric, inputs, result);
}

}  // namespace frostnas::quant
