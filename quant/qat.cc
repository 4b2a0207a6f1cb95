#include "quant/qat.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "quant/convert.h"
#include "quant/grid.h"
#include "quant/grid_groups.h"
#include "quant/package.h"

namespace frostnas::quant {
namespace {

// "s3b1.expand.range"; the input's is "input.range".
std::string RangeName(const arch::Graph& graph, int index) {
  return absl::StrCat(
      index == arch::kGraphInput ? "input" : graph.layers[index].name,
      ".range");
}

absl::Status CheckOptions(const QatOptions& options) {
  for (const auto& [name, bits] :
       {std::pair("weight_bits", options.weight_bits),
        std::pair("activation_bits", options.activation_bits)}) {
    if (bits < 2 || bits > 8) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", bits, "; it must be 2..8"));
    }
  }
  if (!(options.range_momentum > 0 && options.range_momentum <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("range_momentum is ", options.range_momentum,
                     "; it must be above 0 and at most 1"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Range> RangeFrom(const v1::NamedTensor& tensor) {
  float values[2];
  if (tensor.data().size() != sizeof(values)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor \"", tensor.name(), "\" must have 2 values"));
  }
  std::memcpy(values, tensor.data().data(), sizeof(values));
  const Range range = {values[0], values[1]};
  if (!std::isfinite(range.min) || !std::isfinite(range.max) ||
      range.min > range.max) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor \"", tensor.name(), "\" is no range: [", range.min,
                     ", ", range.max, "]"));
  }
  return range;
}

}  // namespace

struct QatPlan::Impl {
  Impl(const arch::Graph& graph, const QatOptions& options);

  // Observer of layer `index`'s output or of the input; null where values are
  // only moved.
  TensorObserver* observer(int index) const {
    return observers[index + 1].get();
  }
  const SharedGrid& grid(int index) const {
    return *grids[groups.group(index)];
  }
  void SetHooks() const;

  arch::Graph graph;
  QatOptions options;
  GridGroups groups;
  QatPhase phase = QatPhase::kObserving;
  std::vector<std::unique_ptr<SharedGrid>> grids;          // by group
  std::vector<std::unique_ptr<TensorObserver>> observers;  // by index + 1
  nn::Network* network = nullptr;                          // attached
};

QatPlan::Impl::Impl(const arch::Graph& plan_graph,
                    const QatOptions& plan_options)
    : graph(plan_graph), options(plan_options), groups(plan_graph) {
  for (int g = 0; g < groups.num_groups(); ++g) {
    grids.push_back(std::make_unique<SharedGrid>(options.activation_bits));
  }
  const int count = static_cast<int>(graph.layers.size());
  for (int i = arch::kGraphInput; i < count; ++i) {
    const bool moves = i != arch::kGraphInput && MovesValues(graph.layers[i]);
    const bool logits =
        i + 1 == count && graph.layers[i].kind == arch::LayerKind::kLinear;
    observers.push_back(
        moves
            ? nullptr
            : std::make_unique<TensorObserver>(
                  options.range_momentum, &phase, grids[groups.group(i)].get(),
                  logits ? options.logits : QuantizeFrom::kQuantizing));
  }
}

void QatPlan::Impl::SetHooks() const {
  if (network == nullptr) return;
  std::vector<nn::LayerQuantization> hooks(graph.layers.size());
  for (size_t i = 0; i < hooks.size(); ++i) {
    hooks[i].output = observer(static_cast<int>(i));
    if (graph.layers[i].has_weights() && phase != QatPhase::kObserving) {
      hooks[i].weight_bits = options.weight_bits;
    }
  }
  network->SetQuantization(hooks);
  network->SetInputQuantization(observer(arch::kGraphInput));
}

QatOptions PublishedQatOptions() {
  return {.range_momentum = 0.01f, .logits = QuantizeFrom::kQuantizing};
}

absl::StatusOr<std::unique_ptr<QatPlan>> QatPlan::Create(
    const arch::Graph& graph, const QatOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  return std::unique_ptr<QatPlan>(
      new QatPlan(std::make_unique<Impl>(graph, options)));
}

QatPlan::QatPlan(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

QatPlan::~QatPlan() = default;

void QatPlan::Attach(nn::Network& network) {
  CHECK_EQ(network.graph().layers.size(), impl_->graph.layers.size());
  impl_->network = &network;
  impl_->SetHooks();
}

void QatPlan::Detach() {
  if (impl_->network == nullptr) return;
  impl_->network->SetQuantization(
      std::vector<nn::LayerQuantization>(impl_->graph.layers.size()));
  impl_->network->SetInputQuantization(nullptr);
  impl_->network = nullptr;
}

void QatPlan::SetPhase(QatPhase phase) {
  impl_->phase = phase;
  impl_->SetHooks();
}

QatPhase QatPlan::phase() const { return impl_->phase; }

const QatOptions& QatPlan::options() const { return impl_->options; }

nn::AffineGrid QatPlan::grid(int index) const {
  return impl_->grid(index).grid();
}

bool QatPlan::observed(int index) const {
  return impl_->grid(index).complete();
}

void QatPlan::Save(v1::FloatNetwork& to) const {
  const int count = static_cast<int>(impl_->graph.layers.size());
  for (int i = arch::kGraphInput; i < count; ++i) {
    const TensorObserver* observer = impl_->observer(i);
    if (observer == nullptr || !observer->has_range()) continue;
    v1::NamedTensor& tensor = *to.add_tensors();
    tensor.set_name(RangeName(impl_->graph, i));
    tensor.add_shape(2);
    const float values[] = {observer->range().min, observer->range().max};
    tensor.set_data(values, sizeof(values));
  }
}

absl::Status QatPlan::Load(const v1::FloatNetwork& from, bool require_all) {
  const int count = static_cast<int>(impl_->graph.layers.size());
  for (int i = arch::kGraphInput; i < count; ++i) {
    TensorObserver* observer = impl_->observer(i);
    if (observer == nullptr) continue;
    const std::string name = RangeName(impl_->graph, i);
    const auto found = std::find_if(
        from.tensors().begin(), from.tensors().end(),
        [&](const v1::NamedTensor& tensor) { return tensor.name() == name; });
    if (found == from.tensors().end()) {
      if (!require_all) continue;
      return absl::NotFoundError(
          absl::StrCat("tensor \"", name, "\" is missing"));
    }
    ASSIGN_OR_RETURN(const Range range, RangeFrom(*found));
    observer->set_range(range);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Package> Convert(const nn::Network& network,
                                    const QatPlan& plan,
                                    const v1::Architecture& architecture,
                                    const v1::DatasetInfo& dataset) {
  if (plan.options().activation_bits != 8) {
    return absl::InvalidArgumentError(
        "activation_bits must be 8: packages store 8-bit activations");
  }
  const arch::Graph& graph = network.graph();
  const int count = static_cast<int>(graph.layers.size());
  for (int i = arch::kGraphInput; i < count; ++i) {
    if (plan.observed(i)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("\"", RangeName(graph, i),
                     "\" was never observed; train or calibrate first"));
  }
  v1::FloatNetwork tensors;
  network.Save(tensors);
  ASSIGN_OR_RETURN(
      QuantizedGraph quantized,
      ConvertGraph(graph, tensors,
                   {.weight_bits = plan.options().weight_bits,
                    .batch_norm_epsilon = network.options().batch_norm_epsilon,
                    .grid = [&](int i) { return ToProto(plan.grid(i)); }}));
  return MakePackage(std::move(quantized), architecture, dataset);
}

}  // namespace frostnas::quant
