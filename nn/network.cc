#include "nn/network.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "base/check.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "nn/graph/graph_check.h"
#include "nn/graph/network_files.h"
#include "nn/modules/conv_unit.h"
#include "nn/modules/dropout.h"
#include "nn/modules/linear.h"
#include "nn/modules/merge.h"
#include "nn/modules/module.h"
#include "nn/modules/output_quantizer.h"
#include "nn/modules/pool.h"
#include "nn/tensor_pool.h"

namespace frostnas::nn {
namespace {

using arch::Layer;
using arch::LayerKind;

float ActivationHigh(v1::Activation activation) {
  return activation == v1::ACTIVATION_RELU6 ? 6.0f : Epilogue::kInfinity;
}

ConvUnitOptions UnitOptions(const Layer& layer, const NetworkOptions& options) {
  const bool clamps = layer.activation != v1::ACTIVATION_NONE;
  return {.name = layer.name,
          .depthwise = layer.kind == LayerKind::kDepthwise,
          .c_in = layer.in.channels,
          .c_out = layer.out.channels,
          .kernel = layer.kernel,
          .stride = layer.stride,
          .batch_norm = layer.batch_norm,
          .norm_after_activation = layer.norm_after_activation,
          .act_low = clamps ? 0.0f : -Epilogue::kInfinity,
          .act_high = ActivationHigh(layer.activation),
          .precision = options.precision,
          .momentum = options.batch_norm_momentum,
          .epsilon = options.batch_norm_epsilon,
          .frozen_norm = options.frozen_batch_norm};
}

std::unique_ptr<Module> MakeModule(const Layer& layer,
                                   const NetworkOptions& options) {
  // By name, so that a block starts the same wherever it stands.
  const Random random = Random(options.seed).Split(layer.name);
  switch (layer.kind) {
    case LayerKind::kConv:
    case LayerKind::kDepthwise:
      return std::make_unique<ConvUnit>(UnitOptions(layer, options), random);
    case LayerKind::kConcat:
      return std::make_unique<Concat>();
    case LayerKind::kAdd:
      return std::make_unique<Add>();
    case LayerKind::kMaxPool:
      return std::make_unique<MaxPool>(layer.kernel, layer.stride);
    case LayerKind::kGlobalPool:
      if (layer.pool == v1::GLOBAL_POOL_MAX) {
        return std::make_unique<GlobalMaxPool>();
      }
      return std::make_unique<GlobalAveragePool>();
    case LayerKind::kDropout:
      return std::make_unique<Dropout>(layer.name, layer.dropout, random);
    case LayerKind::kLinear:
      return std::make_unique<Linear>(layer.name, layer.in.channels,
                                      layer.out.channels, random);
  }
  CHECK(false) << "layer kind " << static_cast<int>(layer.kind);
  return nullptr;
}

// Joins units whose output only another unit reads. The last layer's output is
// the network's.
void JoinConvUnits(const arch::Graph& graph, std::vector<ConvUnit*>& units) {
  std::vector<int> readers(graph.layers.size(), 0);
  for (const Layer& layer : graph.layers) {
    for (int input : layer.inputs) {
      if (input != arch::kGraphInput) ++readers[input];
    }
  }
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    if (units[i] == nullptr) continue;
    const int input = graph.layers[i].inputs[0];
    if (input == arch::kGraphInput || units[input] == nullptr) continue;
    if (readers[input] == 1) units[input]->FinishLater(*units[i]);
  }
}

// A list with an entry an input of a layer.
template <typename T>
using PerInput = absl::InlinedVector<T, 2>;

struct Node {
  std::vector<int> inputs;
  std::unique_ptr<Module> module;
  QuantizationPass quantization;  // of modules that leave it to the network
  Tensor dst;
  Tensor* diff = nullptr;  // during Backward, of the pool
};

}  // namespace

struct Network::Impl {
  std::vector<Node> nodes;
  QuantizationPass input_quantization;
  const Tensor* src = nullptr;  // of the last Forward, not owned
  Tensor quantized_src;
  Tensor* diff_input = nullptr;  // during Backward, of the pool
  Tensor empty;
  std::shared_ptr<TensorPool> gradients;

  const Tensor& Input() const {
    return input_quantization.hook() != nullptr ? quantized_src : *src;
  }
  const Tensor& Output(int index) const {
    return index == arch::kGraphInput ? Input() : nodes[index].dst;
  }
  PerInput<const Tensor*> Sources(const Node& node) const {
    PerInput<const Tensor*> sources;
    for (int input : node.inputs) sources.push_back(&Output(input));
    return sources;
  }
  Tensor*& Diff(int index) {
    return index == arch::kGraphInput ? diff_input : nodes[index].diff;
  }
  ActivationQuantizer* HookOf(int index) const;

  void Run(Node& node, Mode mode);
  void RunBackward(Node& node, bool need_diff_input);
  void PassGradient(Node& node, bool need_diff_input);
  void Deliver(int index, Tensor* diff);
  std::vector<LayerQuantization> hooks;  // as set, a layer each
};

ActivationQuantizer* Network::Impl::HookOf(int index) const {
  return index == arch::kGraphInput ? input_quantization.hook()
                                    : hooks[index].output;
}

void Network::Impl::Run(Node& node, Mode mode) {
  Tensor& raw = node.quantization.Raw(mode, node.dst);
  node.module->Forward(Sources(node), mode, raw);
  node.quantization.Forward(raw, mode, node.dst);
}

// Gives a tensor's gradient to its producer, which sums its consumers'.
void Network::Impl::Deliver(int index, Tensor* diff) {
  Tensor*& sum = Diff(index);
  if (sum == nullptr) {
    sum = diff;
    return;
  }
  AddInPlace(*diff, *sum);
  gradients->Give(diff);
}

void Network::Impl::PassGradient(Node& node, bool need_diff_input) {
  PerInput<int> wanted;
  for (int input : node.inputs) {
    if (input != arch::kGraphInput || need_diff_input) wanted.push_back(input);
  }
  for (size_t i = 0; i + 1 < wanted.size(); ++i) {
    if (Tensor* const sum = Diff(wanted[i]); sum != nullptr) {
      AddInPlace(*node.diff, *sum);
      continue;
    }
    Tensor* const copy = gradients->Take();
    Copy(*node.diff, *copy);
    Deliver(wanted[i], copy);
  }
  Tensor* const diff = std::exchange(node.diff, nullptr);
  if (wanted.empty()) {
    gradients->Give(diff);
  } else {
    Deliver(wanted.back(), diff);
  }
}

void Network::Impl::RunBackward(Node& node, bool need_diff_input) {
  if (node.diff == nullptr) return;  // nothing uses this layer
  if (node.module->passes_gradient())
    return PassGradient(node, need_diff_input);
  PerInput<Tensor*> diffs(node.inputs.size(), nullptr);
  for (size_t i = 0; i < diffs.size(); ++i) {
    if (node.inputs[i] == arch::kGraphInput && !need_diff_input) continue;
    diffs[i] = gradients->Take();
  }
  node.module->Backward(Sources(node), *node.diff, diffs);
  gradients->Give(std::exchange(node.diff, nullptr));
  for (size_t i = 0; i < diffs.size(); ++i) {
    if (diffs[i] != nullptr) Deliver(node.inputs[i], diffs[i]);
  }
}

Network::Network(const arch::Graph& graph, const NetworkOptions& options)
    : graph_(graph), options_(options), impl_(std::make_unique<Impl>()) {}

Network::~Network() = default;

absl::StatusOr<std::unique_ptr<Network>> Network::Create(
    const arch::Graph& graph, const NetworkOptions& options) {
  RETURN_IF_ERROR(CheckTrainable(graph));
  std::unique_ptr<Network> network(new Network(graph, options));
  network->impl_->nodes.resize(graph.layers.size());
  network->impl_->gradients = options.gradients != nullptr
                                  ? options.gradients
                                  : std::make_shared<TensorPool>();
  std::vector<ConvUnit*> units(graph.layers.size());
  for (size_t i = 0; i < graph.layers.size(); ++i) {
    Node& node = network->impl_->nodes[i];
    node.inputs = graph.layers[i].inputs;
    node.module = MakeModule(graph.layers[i], options);
    units[i] = dynamic_cast<ConvUnit*>(node.module.get());
    for (Parameter* p : node.module->parameters()) {
      network->parameters_.push_back(p);
    }
    for (StateBuffer* s : node.module->state()) {
      network->state_.push_back(s);
    }
  }
  JoinConvUnits(graph, units);
  network->SetQuantization(std::vector<LayerQuantization>(graph.layers.size()));
  return network;
}

const Tensor& Network::Forward(const Tensor& src, Mode mode) {
  const Shape wanted = {src.shape().n, graph_.input.size, graph_.input.size,
                        graph_.input.channels};
  CHECK(src.shape() == wanted && src.shape().n > 0)
      << "input " << src.shape().ToString() << ", network takes "
      << wanted.ToString();
  impl_->src = &src;
  if (impl_->input_quantization.hook() != nullptr) {
    impl_->input_quantization.Forward(src, mode, impl_->quantized_src);
  }
  for (Node& node : impl_->nodes) impl_->Run(node, mode);
  return impl_->nodes.back().dst;
}

Tensor& Network::Backward(Tensor& diff_dst, bool need_diff_src) {
  Impl& impl = *impl_;
  CHECK(diff_dst.shape() == impl.nodes.back().dst.shape())
      << "gradient " << diff_dst.shape().ToString() << ", output "
      << impl.nodes.back().dst.shape().ToString();
  impl.gradients->Restart(diff_dst);
  impl.diff_input = nullptr;
  impl.nodes.back().diff = &diff_dst;
  for (auto node = impl.nodes.rbegin(); node != impl.nodes.rend(); ++node) {
    if (node->diff != nullptr) {
      node->quantization.Backward(*node->diff, *node->diff);
    }
    impl.RunBackward(*node, need_diff_src);
  }
  if (!need_diff_src) return impl.empty;
  if (impl.input_quantization.hook() != nullptr) {
    impl.input_quantization.Backward(*impl.src, *impl.diff_input,
                                     *impl.diff_input);
  }
  return *impl.diff_input;
}

void Network::SetQuantization(const std::vector<LayerQuantization>& layers) {
  CHECK_EQ(layers.size(), impl_->nodes.size());
  impl_->hooks = layers;
  for (size_t i = 0; i < layers.size(); ++i) {
    Node& node = impl_->nodes[i];
    node.module->SetQuantization(layers[i]);
    // Values that are only moved stay on the grid they are on.
    const bool moves = graph_.layers[i].kind == LayerKind::kConcat ||
                       graph_.layers[i].kind == LayerKind::kMaxPool;
    const bool on_grid =
        moves &&
        std::all_of(node.inputs.begin(), node.inputs.end(), [&](int input) {
          return impl_->HookOf(input) == layers[i].output;
        });
    const bool apply = !node.module->quantizes_output() && !on_grid;
    node.quantization.Set(apply ? layers[i].output : nullptr);
  }
}

void Network::SetInputQuantization(ActivationQuantizer* input) {
  impl_->input_quantization.Set(input);
  // Whether a concat of the input needs a pass of its own may have changed.
  SetQuantization(std::vector<LayerQuantization>(impl_->hooks));
}

const Tensor& Network::layer_output(int index) const {
  return impl_->nodes[index].dst;
}

void Network::Save(v1::FloatNetwork& to) const {
  SaveTensors(parameters_, state_, to);
}

absl::Status Network::Load(const v1::FloatNetwork& from, bool require_all) {
  return LoadTensors(from, require_all, parameters_, state_);
}

}  // namespace frostnas::nn
