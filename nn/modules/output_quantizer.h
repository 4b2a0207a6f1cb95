// Fake quantization of a tensor: asks the hook, observes, rounds.
#ifndef FROSTNAS_NN_MODULES_OUTPUT_QUANTIZER_H_
#define FROSTNAS_NN_MODULES_OUTPUT_QUANTIZER_H_

#include "nn/fused/channel_chunks.h"
#include "nn/fused/channel_ops.h"
#include "nn/fused/epilogue.h"
#include "nn/mode.h"
#include "nn/quant_hooks.h"
#include "nn/tensor.h"

namespace frostnas::nn {

// One ActivationQuantizer's part in a forward pass. Thread-compatible.
class OutputQuantizer {
 public:
  // Null: nothing is observed or quantized. Not owned.
  void Set(ActivationQuantizer* hook) { hook_ = hook; }
  ActivationQuantizer* hook() const { return hook_; }

  bool Observes(Mode mode) const {
    return hook_ != nullptr && mode == Mode::kTrain && hook_->observing();
  }
  bool Quantizes() const { return hook_ != nullptr && hook_->quantizing(); }
  // Whether the gradient past the quantization is the hook's to make.
  bool Learns() const { return Quantizes() && hook_->learning(); }

  // The epilogue for this pass, with a clamp to [low, high]. Observe first
  // where Observes says so.
  void Observe(const ValueRange& range) {
    hook_->Observe(range.min, range.max);
  }
  Epilogue MakeEpilogue(float low, float high) const {
    return Quantizes() ? QuantizeEpilogue(low, high, hook_->grid())
                       : ClampEpilogue(low, high);
  }

 private:
  ActivationQuantizer* hook_ = nullptr;
};

// Fake quantization as a pass of its own, for outputs of modules that do not
// quantize themselves and for a network's input. Thread-compatible.
class QuantizationPass {
 public:
  void Set(ActivationQuantizer* hook) { quantizer_.Set(hook); }
  ActivationQuantizer* hook() const { return quantizer_.hook(); }

  // Where the tensor before quantization is to be written: `dst` itself, or,
  // when Backward will need it, a tensor kept here.
  Tensor& Raw(Mode mode, Tensor& dst);

  // Observes `raw` and ASSIGNS the quantized tensor to dst, which may be raw.
  void Forward(const Tensor& raw, Mode mode, Tensor& dst);

  // The gradient by the tensor before quantization: `diff_dst`, with 0 where
  // the last Forward(kTrain) clipped, or what a hook that learns makes of it.
  // Either `diff_dst` itself, where nothing
  // was quantized, or `diff_src`, ASSIGNED; they may be the same. `raw` as
  // then.
  const Tensor& Backward(const Tensor& raw, const Tensor& diff_dst,
                         Tensor& diff_src);
  // The same for the tensor Raw gave.
  const Tensor& Backward(const Tensor& diff_dst, Tensor& diff_src) {
    return Backward(kept_, diff_dst, diff_src);
  }

 private:
  OutputQuantizer quantizer_;
  // Of the last Forward.
  Epilogue epilogue_;
  bool learns_ = false;
  ChannelAffine identity_;  // where it quantized
  Tensor kept_;
  GradientCorrection no_correction_;
};

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_MODULES_OUTPUT_QUANTIZER_H_
