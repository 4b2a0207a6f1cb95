// Start here: the layers of a network.
//
// An Architecture (proto) is a list of blocks; a Graph is what they expand to:
// layers in execution order, each with its shapes. Training (nn), conversion
// and execution (quant), costs, latency tables and exporters all walk the same
// Graph, so they cannot disagree about what a network is.
//
// Layers are "fused" layers: a convolution carries its batch norm and its
// activation, because that is the unit that is quantized and executed. Layer
// names are BLOCK.PART ("s3b1.expand"); they name weights in files.
//
// Errors: INVALID_ARGUMENT naming block and field. Thread-compatible; values.
#ifndef FROSTNAS_ARCH_GRAPH_H_
#define FROSTNAS_ARCH_GRAPH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::arch {

enum class LayerKind {
  kConv,        // dense k x k convolution (+ batch norm) (+ activation)
  kDepthwise,   // depthwise k x k convolution (+ batch norm) (+ activation)
  kConcat,      // channels of inputs[0], then of inputs[1]
  kAdd,         // inputs[0] + inputs[1]
  kMaxPool,     // k x k window, no padding
  kGlobalPool,  // average or maximum over H x W; output is 1 x 1 x C
  kDropout,     // training only; identity otherwise
  kLinear,      // 1 x 1 x C -> 1 x 1 x K with bias
};

// "conv", "depthwise", "concat", "add", "max_pool", "global_pool", "dropout",
// "linear"; the names latency tables use.
const char* LayerKindName(LayerKind kind);

// Height and width (equal) and channels of a feature map, NHWC.
struct FeatureShape {
  int size = 0;
  int channels = 0;
  friend bool operator==(const FeatureShape&, const FeatureShape&) = default;
};

// Index of the network's input in Layer::inputs.
inline constexpr int kGraphInput = -1;

struct Layer {
  std::string name;
  LayerKind kind = LayerKind::kConv;
  // Producers: indices of earlier layers, or kGraphInput. Two for kConcat and
  // kAdd, one for all others.
  std::vector<int> inputs;
  FeatureShape in;  // of inputs[0]
  FeatureShape out;
  // kConv, kDepthwise, kMaxPool. Padding is (kernel - 1) / 2 for convolutions
  // and 0 for pooling.
  int kernel = 1;
  int stride = 1;
  // kConv, kDepthwise: a batch norm follows; else the convolution has a bias.
  bool batch_norm = false;
  // kConv only: convolution, bias, activation, batch norm, in this order.
  bool norm_after_activation = false;
  v1::Activation activation = v1::ACTIVATION_NONE;
  v1::GlobalPool pool = v1::GLOBAL_POOL_UNSPECIFIED;  // kGlobalPool
  float dropout = 0;                                  // kDropout

  bool has_weights() const {
    return kind == LayerKind::kConv || kind == LayerKind::kDepthwise ||
           kind == LayerKind::kLinear;
  }
};

struct Graph {
  FeatureShape input;
  int num_classes = 0;
  // In execution order; the last layer's output is the network's.
  std::vector<Layer> layers;
};

// Validates every field of `architecture` and expands it. The result's last
// layer is a kLinear. Refuses networks beyond 2^28 weights, or 2^28 values in
// one feature map, so that a description from anywhere can be built. Dropout
// of probability 0 gives no layer.
absl::StatusOr<Graph> ExpandArchitecture(const v1::Architecture& architecture);

// Expands one block on its own (for supernet candidates): a Graph whose input
// is the block's. num_classes is used by classifier blocks only. A block
// without a name gives layers named by their part alone ("expand").
absl::StatusOr<Graph> ExpandBlock(const v1::Block& block, FeatureShape input,
                                  int num_classes);

// md(v) of methods.md 1.1: nearest multiple of 8, at least 8, at least 0.9 v.
int RoundChannels(double channels);

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_GRAPH_H_
