// What a plan loses against the float network on given images, by the kernels
// of the integer executor: an INT8 package of the plan has exactly this top-1.
//
// A search changes one layer at a time, so the evaluator keeps what the layers
// before it give and runs the rest:
//
//   ASSIGN_OR_RETURN(auto evaluator, PlanEvaluator::Create(network, images));
//   RETURN_IF_ERROR(evaluator->SetBase(plan, 0));
//   ... change what layer 7 computes ...
//   ASSIGN_OR_RETURN(PlanScore score, evaluator->Evaluate(changed, 7));
//
// INVALID_ARGUMENT: no images, images that do not fit, or a plan that does not
// pass Assemble. CANCELLED: a stop was requested. INTERNAL: oneDNN refuses.
//
// Thread-compatible; computes on the compute threads (nn/threads.h).
#ifndef FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_EVALUATOR_H_
#define FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_EVALUATOR_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/stop.h"
#include "nn/data/image_set.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/network/integer_layers.h"
#include "quant/onednn/image_plan.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

struct PlanScore {
  double top1 = 0;
  // (float top-1 - top-1) / float top-1.
  double loss = 0;
  // Standard error of `loss`: images that only one of the two gets right are
  // as many coin tosses.
  double loss_error = 0;
  // What `loss` is on average over labels that are drawn from the float
  // network's own probabilities: without the luck of the labels, and above 0
  // wherever an answer changed.
  double expected_loss = 0;
  // Mean over images of KL(softmax(float) || softmax(plan)), nats: how far the
  // answers moved, with far less noise than whether they are right.
  double divergence = 0;

  // What a search goes by: what it may expect elsewhere, and not much less than
  // it sees. A search that goes by `loss` picks what these images happen to
  // favour: the published one saw 0.1 % and lost 1.1 % on other images, as
  // expected_loss had said.
  double believed_loss() const {
    return std::max(expected_loss, loss - loss_error);
  }
};

class PlanEvaluator {
 public:
  // `network` and `images` must outlive it. Runs the float network once.
  static absl::StatusOr<std::unique_ptr<PlanEvaluator>> Create(
      const FoldedNetwork& network, const nn::ImageSet& images,
      const StopToken& stop = {});

  double float_top1() const { return float_top1_; }

  // What later plans are compared with. Layers before `first` are as in the
  // base before.
  absl::Status SetBase(const QuantizationPlan& plan, int first);

  // Layers before `first` are as in the base, and their grids.
  absl::StatusOr<PlanScore> Evaluate(const QuantizationPlan& plan, int first);

 private:
  // A run of images, the first `skip` of which another chunk has too.
  struct Chunk {
    int first = 0;
    int skip = 0;
  };
  struct Range {
    int first_layer = 0;
    int end_layer = 0;
  };

  PlanEvaluator(const FoldedNetwork& network, const nn::ImageSet& images,
                const StopToken& stop)
      : network_(network), images_(images), stop_(stop) {}

  absl::Status RunFloat();
  absl::StatusOr<QuantizedGraph> GraphOf(const QuantizationPlan& plan) const;
  void Rewind();
  // Makes `kept_` what layers from `layer` on read of layers before it.
  absl::Status MoveCut(int layer);
  absl::Status Run(
      const QuantizedGraph& quantized, const Range& range,
      absl::FunctionRef<void(const Chunk&, ImagePlan&)> take) const;
  void Fill(const Chunk& chunk, ImagePlan& plan) const;
  PlanScore ScoreOf(const std::vector<float>& logits) const;

  const FoldedNetwork& network_;
  const nn::ImageSet& images_;
  const StopToken stop_;
  int classes_ = 0;
  std::vector<float> float_logits_;  // (images, classes)
  double float_top1_ = 0;

  QuantizedGraph base_;
  std::vector<uint8_t> input_;  // stored, of all images
  int cut_ = 0;
  // Stored tensors of all images that layers from cut_ on read.
  std::map<int, std::vector<uint8_t>> kept_;
};

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_FIXED_POINT_FIXED_POINT_EVALUATOR_H_
