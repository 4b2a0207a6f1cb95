// Convolution, batch norm, activation and fake quantization as one module: the
// unit that is quantized and executed (arch/graph.h).
//
//   batch norm:            y = conv(src);        dst = q(act(bn(y)))
//   no batch norm:         y = conv(src);        dst = q(act(y + bias))
//   norm_after_activation: u = act(conv(src) + bias);  dst = q(bn(u))
//
// Batch statistics take the variance divided by the count, the running one is
// divided by the count less one (Ioffe & Szegedy 2015, algorithms 1 and 2).
//
// Backward: parameters' gradients are ADDED, diff_src is ASSIGNED. Kept for it
// are src (the caller's) and y; masks are computed again.
#ifndef FROSTNAS_NN_MODULES_CONV_UNIT_H_
#define FROSTNAS_NN_MODULES_CONV_UNIT_H_

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "nn/fused/channel_ops.h"
#include "nn/modules/convolution.h"
#include "nn/modules/module.h"
#include "nn/modules/output_quantizer.h"

namespace frostnas::nn {

struct ConvUnitOptions {
  std::string name;  // of the layer, prefix of its parameters
  bool depthwise = false;
  int c_in = 1, c_out = 1;
  int kernel = 1, stride = 1;
  bool batch_norm = true;  // else a bias
  bool norm_after_activation = false;
  // The activation's clamp: 0 and infinity for ReLU.
  float act_low = -Epilogue::kInfinity;
  float act_high = Epilogue::kInfinity;
  float momentum = 0.1f;  // running = (1 - momentum) running + momentum batch
  float epsilon = 1e-5f;
};

class ConvUnit : public Module {
 public:
  // Weights are drawn from `random`; bias and beta 0, gamma 1.
  ConvUnit(const ConvUnitOptions& options, const Random& random);

  void Forward(Sources src, Mode mode, Tensor& dst) override;
  void Backward(Sources src, Tensor& diff_dst,
                absl::Span<Tensor* const> diff_src) override;
  bool quantizes_output() const override { return true; }
  void SetQuantization(const LayerQuantization& quantization) override;
  std::vector<Parameter*> parameters() override;
  std::vector<StateBuffer*> state() override;

 private:
  ConvShape ShapeFor(const Shape& src) const;
  const std::vector<float>& EffectiveWeights() const;
  bool has_bias() const {
    return !options_.batch_norm || options_.norm_after_activation;
  }

  // y's affine for this pass; batch statistics update the running ones in
  // kTrain.
  void PrepareNorm(const Tensor& y, Mode mode);
  void PrepareBias(const Tensor& y, Mode mode);
  void UseStatistics(const std::vector<double>& mean,
                     const std::vector<double>& variance);
  void UpdateRunning(const ChannelStats& stats, int64_t rows);
  // u = act(y + bias), in place.
  void ActivateFirst(Tensor& y) const;
  void PrepareEpilogue(const ChannelStats* stats, Mode mode);

  // diff of dst -> diff of y, in place.
  void BackwardNorm(Tensor& diff);
  void BackwardActivateFirst(Tensor& diff);
  void BackwardBias(const Epilogue& epilogue, Tensor& diff);

  const ConvUnitOptions options_;
  std::unique_ptr<Convolution> convolution_;
  Parameter weight_, bias_, gamma_, beta_;
  StateBuffer mean_, var_;

  int weight_bits_ = 0;
  std::vector<float> quantized_;  // weights, when weight_bits_ > 0
  OutputQuantizer output_;

  // Of the last Forward.
  Tensor y_;  // kTrain only
  ChannelAffine affine_;
  Epilogue epilogue_;
  std::vector<float> batch_mean_;
  std::vector<double> inverse_deviation_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_CONV_UNIT_H_
