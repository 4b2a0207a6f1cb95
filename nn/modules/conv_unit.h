// Convolution, batch norm, activation and fake quantization as one module: the
// unit that is quantized and executed (arch/graph.h).
//
//   batch norm:            y = conv(src);        dst = q(act(bn(y)))
//   no batch norm:         y = conv(src);        dst = q(act(y + bias))
//   norm_after_activation: u = act(conv(src) + bias);  dst = q(bn(u))
//
// conv's weights are quantized as SetQuantization says. Where the output's
// quantizer learns, Backward makes the tensor before it once more and leaves
// the gradient past it to the quantizer.
//
// Batch statistics take the variance divided by the count, the running one is
// divided by the count less one (Ioffe & Szegedy 2015, algorithms 1 and 2).
//
// Backward: parameters' gradients are ADDED, diff_src is ASSIGNED. Kept for it
// are src (the caller's) and y; everything past y is computed again.
//
// Memory is what training waits for, so each pass works through the batch in
// chunks that stay in the cache, and does to a chunk all that can be done
// without knowing the whole batch's statistics. FinishLater joins two units:
// then the first leaves y as its output and the second normalises, activates
// and quantizes each chunk as it reads it, forward and backward, so that the
// finished tensor never goes to memory.
//
// With Precision::kMixed training keeps y as Float16 and the gradient from a
// joined consumer as BFloat16, and 1 x 1 convolutions multiply BFloat16 where
// that is fast; sums stay in single precision. Units that take whole batches or
// norm after the activation keep single precision.
#ifndef FROSTNAS_NN_MODULES_CONV_UNIT_H_
#define FROSTNAS_NN_MODULES_CONV_UNIT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "nn/elements.h"
#include "nn/fused/channel_chunks.h"
#include "nn/fused/epilogue.h"
#include "nn/modules/chunks.h"
#include "nn/modules/convolution.h"
#include "nn/modules/first_activation.h"
#include "nn/modules/module.h"
#include "nn/modules/output_quantizer.h"
#include "nn/modules/weight_quantization.h"
#include "nn/precision.h"

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
  Precision precision = Precision::kFloat32;
  float momentum = 0.1f;  // running = (1 - momentum) running + momentum batch
  float epsilon = 1e-5f;
  // The batch norm normalises by the running statistics, in training too, and
  // leaves them as they are.
  bool frozen_norm = false;
};

class ConvUnit : public Module {
 public:
  // Weights are drawn from `random`; bias and beta 0, gamma 1.
  ConvUnit(const ConvUnitOptions& options, const Random& random);

  // Leaves what follows the convolution to `consumer`, the only reader of this
  // unit's output. From then on Forward(kTrain, kProbe) leaves y in dst, and
  // dst must stay until Backward. False: these two cannot be joined, and
  // nothing has changed. Before the first Forward; neither is owned.
  bool FinishLater(ConvUnit& consumer);

  void Forward(Sources src, Mode mode, Tensor& dst) override;
  void Backward(Sources src, Tensor& diff_dst,
                absl::Span<Tensor* const> diff_src) override;
  bool quantizes_output() const override { return true; }
  void SetQuantization(const LayerQuantization& quantization) override;
  std::vector<Parameter*> parameters() override;
  std::vector<StateBuffer*> state() override;

 private:
  ConvShape ShapeFor(const Shape& src) const;
  // Weights of this pass.
  ConstElements EffectiveWeights(DataType type) const;
  // Whether a pass rounds what it stores.
  bool Rounds(Mode mode) const;
  bool has_bias() const {
    return !options_.batch_norm || options_.norm_after_activation;
  }
  // Whether a pass normalises by its batch's statistics.
  bool UsesBatchStatistics(Mode mode) const {
    return options_.batch_norm && !options_.frozen_norm && mode != Mode::kEval;
  }
  // Of the clamp after the norm or the bias.
  Epilogue LastClamp() const;

  void PrepareWeights();
  // Where this pass leaves y, of its shape and type.
  Tensor& PlaceY(Mode mode, const Shape& shape, Tensor& dst);
  // The source's part that a chunk needs, finished.
  ConstElements Source(DataType type, const Tensor& src, int64_t at,
                       int64_t count) const;

  // What follows y, for this pass: from the running statistics, or from stats_,
  // which update the running ones in kTrain.
  void PrepareFromState();
  void PrepareFromStats(int64_t rows, Mode mode);
  void UseState();
  void UseStatistics();
  void UseBias();
  void UpdateRunning(int64_t rows);
  void PrepareEpilogue(bool observe);

  // Takes the gradient past an output quantizer that learns, in place.
  void LearnOutput(Tensor& diff);
  // Makes sums_, unless the consumer has.
  void ReduceDiff(const Tensor& diff);
  // Of `count` rows: adds the gradients of what follows y, makes correction_.
  void BackwardNorm(int64_t count);
  void BackwardToY(Tensor& diff);
  void BackwardByItems(const ConvShape& shape, const Tensor& src,
                       const Tensor& diff_dst, Tensor* diff_src);
  void AddDiffWeights();

  const ConvUnitOptions options_;
  std::unique_ptr<Convolution> convolution_;
  Parameter weight_, bias_, gamma_, beta_;
  StateBuffer mean_, var_;

  WeightQuantization weights_;
  // weights_.values, where some operand_ is kBfloat16.
  std::vector<BFloat16> rounded_;
  OutputQuantizer output_;
  // u = act(y + bias), where the norm comes after it.
  std::optional<FirstActivation> first_;

  ConvUnit* producer_ = nullptr;  // finished by this unit
  bool has_consumer_ = false;     // finishes this unit

  // Of the last Forward.
  DataType forward_operand_ = DataType::kFloat32;  // of the convolution
  DataType backward_operand_ = DataType::kFloat32;
  Tensor kept_;                // y, where dst is not y; kTrain only
  const Tensor* y_ = nullptr;  // kept_ or dst
  bool pending_ = false;       // dst is y and to be finished
  ChannelStats stats_;         // of y
  ChannelAffine affine_;
  Epilogue epilogue_;
  AffineChunks finish_;  // of both
  bool learns_ = false;  // the output's quantizer
  Epilogue gate_;        // of gradients: what of epilogue_ it leaves
  std::vector<float> batch_mean_;
  std::vector<double> inverse_deviation_;
  // Of Backward.
  GradientSums sums_;     // over diff past the epilogue
  bool reduced_ = false;  // sums_ are there, from the consumer
  GradientCorrection correction_;
  GradientChunks to_y_;  // diff -> y's
  Tensor raw_;           // the output before a quantizer that learns
  // Memory that passes keep for the next, a part each.
  std::vector<StatsPart> stats_parts_;
  std::vector<GradientPart> reduced_parts_;  // the producer's sums
  std::vector<std::vector<float>> diff_weights_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_CONV_UNIT_H_
