#include "quant/methods/network/fake_quant.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "nn/data/loader.h"
#include "nn/quant_hooks.h"
#include "quant/grid_groups.h"

namespace frostnas::quant {
namespace {

constexpr int kBatch = 64;

class FixedGrid final : public nn::ActivationQuantizer {
 public:
  void Observe(float, float) override {}
  bool observing() const override { return false; }
  bool quantizing() const override { return true; }
  nn::AffineGrid grid() const override { return grid_; }
  void set_grid(const nn::AffineGrid& grid) { grid_ = grid; }

 private:
  nn::AffineGrid grid_;
};

// Biases on the grid they will have in integers.
std::vector<float> RoundBiases(const QuantizedWeights& quantized,
                               float src_scale) {
  std::vector<float> biases;
  for (size_t c = 0; c < quantized.bias.size(); ++c) {
    const double step = double{src_scale} * quantized.scale[c];
    const double rounded = std::nearbyint(quantized.bias[c] / step) * step;
    biases.push_back(std::isfinite(rounded) ? static_cast<float>(rounded)
                                            : quantized.bias[c]);
  }
  return biases;
}

bool AllZero(const std::vector<int8_t>& weights) {
  return std::all_of(weights.begin(), weights.end(),
                     [](int8_t weight) { return weight == 0; });
}

// The plan's values in the place of the folded network's.
FoldedNetwork Quantized(const FoldedNetwork& folded,
                        const QuantizationPlan& plan) {
  FoldedNetwork quantized = folded;
  for (size_t i = 0; i < folded.layers.size(); ++i) {
    const arch::Layer& layer = folded.graph.layers[i];
    if (!layer.has_weights()) continue;
    quantized.layers[i].weights = Dequantize(layer, plan.layers[i]);
    quantized.layers[i].bias =
        AllZero(plan.layers[i].weights)
            ? plan.layers[i].bias
            : RoundBiases(plan.layers[i], plan.grid(layer.inputs[0]).scale);
  }
  return quantized;
}

// How many of a batch's largest logits are the label's.
int RightOf(const nn::Tensor& logits, const std::vector<int32_t>& labels) {
  const int classes = logits.shape().c;
  int right = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const float* row = logits.data() + i * classes;
    right += std::max_element(row, row + classes) - row == labels[i];
  }
  return right;
}

}  // namespace

struct FakeQuantNetwork::Impl {
  explicit Impl(const FoldedNetwork& network)
      : folded(network), groups(network.graph), grids(groups.num_groups()) {}

  void SetHooks();

  FoldedNetwork folded;
  GridGroups groups;
  std::vector<FixedGrid> grids;  // by group
  std::unique_ptr<nn::Network> network;
};

void FakeQuantNetwork::Impl::SetHooks() {
  std::vector<nn::LayerQuantization> hooks(folded.layers.size());
  for (size_t i = 0; i < hooks.size(); ++i) {
    hooks[i].output = &grids[groups.group(static_cast<int>(i))];
  }
  network->SetQuantization(hooks);
  network->SetInputQuantization(&grids[groups.group(arch::kGraphInput)]);
}

FakeQuantNetwork::FakeQuantNetwork(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

FakeQuantNetwork::~FakeQuantNetwork() = default;

absl::StatusOr<std::unique_ptr<FakeQuantNetwork>> FakeQuantNetwork::Create(
    const FoldedNetwork& folded, const QuantizationPlan& plan) {
  auto impl = std::make_unique<Impl>(folded);
  ASSIGN_OR_RETURN(impl->network, FloatNetworkOf(folded));
  impl->SetHooks();
  std::unique_ptr<FakeQuantNetwork> fake(new FakeQuantNetwork(std::move(impl)));
  RETURN_IF_ERROR(fake->SetPlan(plan));
  return fake;
}

absl::Status FakeQuantNetwork::SetPlan(const QuantizationPlan& plan) {
  RETURN_IF_ERROR(CheckPlan(impl_->folded, plan));
  const int count = static_cast<int>(impl_->folded.layers.size());
  for (int i = arch::kGraphInput; i < count; ++i) {
    impl_->grids[impl_->groups.group(i)].set_grid(plan.grid(i));
  }
  return impl_->network->Load(TensorsOf(Quantized(impl_->folded, plan)),
                              /*require_all=*/true);
}

nn::Network& FakeQuantNetwork::network() { return *impl_->network; }

absl::StatusOr<double> NetworkTop1(nn::Network& network,
                                   const v1::DatasetInfo& dataset,
                                   const Evaluation& evaluation) {
  const nn::ImageSet& images = evaluation.images;
  const arch::FeatureShape& input = network.graph().input;
  if (images.size != input.size || images.channels != input.channels) {
    return absl::InvalidArgumentError(
        absl::StrCat("the images have ", images.size, " px and ",
                     images.channels, " channels; the network takes ",
                     input.size, " px and ", input.channels));
  }
  nn::Loader loader(images, dataset,
                    {.batch = kBatch, .shuffle = false, .drop_last = false});
  loader.StartEpoch(0);
  int right = 0, seen = 0;
  while (const nn::Batch* batch = loader.Next()) {
    RETURN_IF_ERROR(evaluation.stop.Check());
    right +=
        RightOf(network.Forward(batch->images, nn::Mode::kEval), batch->labels);
    seen += static_cast<int>(batch->labels.size());
    if (evaluation.progress) {
      evaluation.progress(static_cast<double>(seen) / images.count());
    }
  }
  if (seen == 0) return absl::InvalidArgumentError("there are no images");
  return static_cast<double>(right) / seen;
}

absl::StatusOr<double> FloatTop1(const FoldedNetwork& folded,
                                 const Evaluation& evaluation) {
  ASSIGN_OR_RETURN(const auto network, FloatNetworkOf(folded));
  return NetworkTop1(*network, folded.dataset, evaluation);
}

absl::StatusOr<double> FakeQuantTop1(const FoldedNetwork& folded,
                                     const QuantizationPlan& plan,
                                     const Evaluation& evaluation) {
  ASSIGN_OR_RETURN(const auto fake, FakeQuantNetwork::Create(folded, plan));
  return NetworkTop1(fake->network(), folded.dataset, evaluation);
}

}  // namespace frostnas::quant
