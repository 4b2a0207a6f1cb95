// The layers of a quantized graph as ONNX nodes in QDQ form: every operator
// reads DequantizeLinear and is followed by QuantizeLinear, at the package's
// grids, so that a runtime runs it in integers (docs/export.md has the table).
//
// Activations are bounds in the stored domain (quant/layer_params.h). Where
// they are the bounds of uint8 itself, saturation holds them. A ReLU with a
// zero point above 0 that only concats read is stored with zero point 0 at the
// same scale, and the concat, which moves it to its own, clamps. Anything else
// is a Clip between two quantizations, or, where channels have bounds of their
// own, a Max and a Min.
#ifndef FROSTNAS_DEPLOY_ONNX_LAYERS_H_
#define FROSTNAS_DEPLOY_ONNX_LAYERS_H_

#include "absl/status/statusor.h"
#include "deploy/onnx_graph.h"
#include "quant/quantized_graph.h"

namespace frostnas::deploy {

// Adds all layers of `quantized`, a valid graph whose input is `input`, a
// uint8 tensor on its grid. Returns the last layer's output, batch x classes.
// INVALID_ARGUMENT, naming the layer: a bias scale beyond float's range.
absl::StatusOr<QuantizedTensor> AddLayers(
    const quant::QuantizedGraph& quantized, const QuantizedTensor& input,
    OnnxGraphBuilder& builder);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_ONNX_LAYERS_H_
