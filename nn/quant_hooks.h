// How quantization-aware training reaches into a network without nn knowing
// about it: quant/ implements these, nn/network.h calls them.
//
// Without a WeightQuantizer weights are fake-quantized per output channel,
// symmetric: scale_c = max|w_c| / qmax. Batch norm stays unfolded in training:
// with a scale per output channel, folding gamma / sigma into the weights
// scales each channel's grid and leaves its integers unchanged (but for their
// sign where gamma is negative), so the folded, converted network computes the
// same function.
//
// Activations are fake-quantized with the grid an ActivationQuantizer gives;
// the gradient passes straight through inside the grid and is zero outside.
//
// Quantizers that learn (steps, thresholds) have parameters of their own, whose
// gradients they add to in Backward. Networks that train with one have
// Precision::kFloat32.
#ifndef FROSTNAS_NN_QUANT_HOOKS_H_
#define FROSTNAS_NN_QUANT_HOOKS_H_

#include <cstdint>
#include <vector>

#include "nn/tensor.h"

namespace frostnas::nn {

// real = scale * (q - zero_point), q in [qmin, qmax], round half to even.
struct AffineGrid {
  float scale = 1;
  int32_t zero_point = 0;
  int32_t qmin = 0;
  int32_t qmax = 255;
};

// Ranges of one quantized tensor, or of several that share a grid (a concat's
// inputs and output). One network calls it from one thread.
class ActivationQuantizer {
 public:
  virtual ~ActivationQuantizer() = default;
  // Smallest and largest value of the tensor before quantization, once a
  // training step, before grid() is asked for that step.
  virtual void Observe(float min, float max) = 0;
  // Whether to observe in training mode (frozen ranges do not).
  virtual bool observing() const = 0;
  // Whether to quantize: false while only observing (StatAssist).
  virtual bool quantizing() const = 0;
  virtual AffineGrid grid() const = 0;

  // Whether Backward takes the place of the gradient described above.
  virtual bool learning() const { return false; }
  // After a quantizing Forward(kTrain), once for each tensor with this
  // quantizer. `raw` is the tensor before quantization, past its activation;
  // `diff` has the gradient by the quantized one and is left with the gradient
  // by `raw`. ADDS to the gradients of its own parameters. A network's input
  // gets here only where its gradient is asked for.
  virtual void Backward(const Tensor& /*raw*/, Tensor& /*diff*/) {}
};

// Output channel c's weights are those at c * outer + i * inner for
// 0 <= i < count: (channels, count) for dense, (count, channels) for depthwise.
struct ChannelLayout {
  int channels = 0;
  int count = 0;
  int outer = 1;
  int inner = 1;
};

// Of one layer's weights. One network calls it from one thread.
class WeightQuantizer {
 public:
  virtual ~WeightQuantizer() = default;
  // Once a forward pass. `quantized` is resized and ASSIGNED.
  virtual void Quantize(const ChannelLayout& layout,
                        const std::vector<float>& weights,
                        std::vector<float>& quantized) = 0;
  // After Quantize with the same weights: ADDS the gradient by the weights to
  // `diff_weights`, where they are to be trained, and to the gradients of its
  // own parameters.
  virtual void Backward(const ChannelLayout& layout,
                        const std::vector<float>& weights,
                        const std::vector<float>& diff_quantized,
                        std::vector<float>& diff_weights) = 0;
};

// Fake quantization of one layer's tensors; null members are not quantized.
struct LayerQuantization {
  // 0: weights stay float; else bits of symmetric per-channel weights.
  int weight_bits = 0;
  // Takes the place of weight_bits. Not owned, as `output`.
  WeightQuantizer* weights = nullptr;
  // Of the layer's output. Not owned; must outlive the network's use.
  ActivationQuantizer* output = nullptr;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_QUANT_HOOKS_H_
