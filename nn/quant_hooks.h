// How quantization-aware training reaches into a network without nn knowing
// about it: quant/qat.h implements these, nn/network.h calls them.
//
// Weights are fake-quantized per output channel, symmetric: scale_c =
// max|w_c| / qmax. Batch norm stays unfolded in training: with a scale per
// output channel, folding gamma / sigma into the weights scales each channel's
// grid and leaves its integers unchanged (but for their sign where gamma is
// negative), so the folded, converted network computes the same function.
//
// Activations are fake-quantized with the grid an ActivationQuantizer gives;
// the gradient passes straight through inside the grid and is zero outside.
#ifndef FROSTNAS_NN_QUANT_HOOKS_H_
#define FROSTNAS_NN_QUANT_HOOKS_H_

#include <cstdint>

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
};

// Fake quantization of one layer's tensors; null members are not quantized.
struct LayerQuantization {
  // 0: weights stay float; else bits of symmetric per-channel weights.
  int weight_bits = 0;
  // Of the layer's output. Not owned; must outlive the network's use.
  ActivationQuantizer* output = nullptr;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_QUANT_HOOKS_H_
