#include "quant/methods/fixed_point/fixed_point_evaluator.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "nn/quant_hooks.h"
#include "nn/threads.h"
#include "quant/graph_executor.h"
#include "quant/grid.h"
#include "quant/layer_params.h"
#include "quant/methods/ranges/batches.h"
#include "quant/onednn/primitive_cache.h"
#include "quant/package.h"
#include "quant/simd/elementwise.h"

namespace frostnas::quant {
namespace {

// Images a plan runs at once: their tensors stay in the second cache.
constexpr int kChunkImages = 32;

// Tensors of layers before `cut` that layers from it on read.
std::set<int> LiveAt(const arch::Graph& graph, int cut) {
  std::set<int> live;
  for (size_t i = cut; i < graph.layers.size(); ++i) {
    for (int input : graph.layers[i].inputs) {
      if (input < cut) live.insert(input);
    }
  }
  return live;
}

int ArgMax(absl::Span<const float> values) {
  return static_cast<int>(std::max_element(values.begin(), values.end()) -
                          values.begin());
}

// log softmax.
std::vector<double> LogShares(absl::Span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits) sum += std::exp(logit - largest);
  std::vector<double> shares;
  for (float logit : logits) {
    shares.push_back(logit - largest - std::log(sum));
  }
  return shares;
}

double Divergence(absl::Span<const float> from, absl::Span<const float> to) {
  const std::vector<double> p = LogShares(from), q = LogShares(to);
  double sum = 0;
  for (size_t k = 0; k < p.size(); ++k) {
    sum += std::exp(p[k]) * (p[k] - q[k]);
  }
  return sum;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PlanEvaluator>> PlanEvaluator::Create(
    const FoldedNetwork& network, const nn::ImageSet& images,
    const StopToken& stop) {
  const arch::FeatureShape& input = network.graph.input;
  if (images.size != input.size || images.channels != input.channels) {
    return absl::InvalidArgumentError(absl::StrCat(
        "images have ", images.size, " pixels and ", images.channels,
        " channels; the network takes ", input.size, " and ", input.channels));
  }
  auto evaluator =
      std::unique_ptr<PlanEvaluator>(new PlanEvaluator(network, images, stop));
  RETURN_IF_ERROR(evaluator->RunFloat());
  return evaluator;
}

absl::Status PlanEvaluator::RunFloat() {
  ASSIGN_OR_RETURN(const auto network, FloatNetworkOf(network_));
  RETURN_IF_ERROR(ForEachBatch(
      {.images = images_, .info = network_.dataset}, stop_,
      [&](const nn::Tensor& batch) {
        const nn::Tensor& logits = network->Forward(batch, nn::Mode::kEval);
        float_logits_.insert(float_logits_.end(), logits.span().begin(),
                             logits.span().end());
      }));
  classes_ = static_cast<int>(float_logits_.size()) / images_.count();
  float_top1_ = ScoreOf(float_logits_).top1;
  return absl::OkStatus();
}

PlanScore PlanEvaluator::ScoreOf(const std::vector<float>& logits) const {
  const int count = images_.count();
  int right = 0, before = 0, differ = 0;
  PlanScore score;
  for (int i = 0; i < count; ++i) {
    const auto at = [&](const std::vector<float>& all) {
      return absl::MakeConstSpan(all.data() + int64_t{i} * classes_, classes_);
    };
    const int answer = ArgMax(at(logits));
    const int float_answer = ArgMax(at(float_logits_));
    const bool now = answer == images_.labels[i];
    const bool then = float_answer == images_.labels[i];
    if (answer != float_answer) {
      const std::vector<double> shares = LogShares(at(float_logits_));
      score.expected_loss +=
          std::exp(shares[float_answer]) - std::exp(shares[answer]);
    }
    right += now ? 1 : 0;
    before += then ? 1 : 0;
    differ += now != then ? 1 : 0;
    score.divergence += Divergence(at(float_logits_), at(logits)) / count;
  }
  score.top1 = static_cast<double>(right) / count;
  // A network that is never right has nothing to lose.
  const double base = std::max(before, 1);
  score.loss = (before - right) / base;
  score.expected_loss /= base;
  score.loss_error = std::sqrt(static_cast<double>(differ)) / base;
  return score;
}

absl::StatusOr<QuantizedGraph> PlanEvaluator::GraphOf(
    const QuantizationPlan& plan) const {
  ASSIGN_OR_RETURN(const v1::Package package, Assemble(network_, plan));
  return QuantizedGraphOf(package);
}

absl::Status PlanEvaluator::SetBase(const QuantizationPlan& plan, int first) {
  ASSIGN_OR_RETURN(const v1::Package package, Assemble(network_, plan));
  ASSIGN_OR_RETURN(ExecutableGraph executable, MakeExecutable(package));
  base_ = std::move(executable.quantized);
  if (input_.empty()) {
    input_.resize(images_.pixels.size());
    simd::LookUp(executable.input_table, images_.pixels,
                 absl::MakeSpan(input_));
  }
  if (kept_.empty() || first < cut_) Rewind();
  return absl::OkStatus();
}

void PlanEvaluator::Rewind() {
  cut_ = 0;
  kept_.clear();
  kept_[arch::kGraphInput] = input_;
}

void PlanEvaluator::Fill(const Chunk& chunk, ImagePlan& plan) const {
  for (const auto& [index, stored] : kept_) {
    const absl::Span<uint8_t> to = plan.tensor(index);
    const int64_t elements = static_cast<int64_t>(to.size()) / plan.images();
    std::copy_n(stored.data() + chunk.first * elements, to.size(), to.data());
  }
}

absl::Status PlanEvaluator::Run(
    const QuantizedGraph& quantized, const Range& range,
    absl::FunctionRef<void(const Chunk&, ImagePlan&)> take) const {
  RETURN_IF_ERROR(stop_.Check());
  const int count = images_.count();
  const int images = std::min(kChunkImages, count);
  const int chunks = (count + images - 1) / images;
  std::vector<std::unique_ptr<ImagePlan>> plans;  // one a thread
  {
    const int lanes = nn::PartCount(chunks, 1);
    // As in the executor: a chunk is one thread's.
    const nn::ScopedComputeThreads scoped(lanes > 1 ? 1 : nn::ComputeThreads());
    nn::ApplyComputeThreads();
    const ScopedNoPrimitiveCache no_cache;
    for (int i = 0; i < lanes; ++i) {
      ASSIGN_OR_RETURN(auto plan,
                       ImagePlan::Create(quantized, images,
                                         {.keep_all = true,
                                          .first_layer = range.first_layer,
                                          .end_layer = range.end_layer}));
      plans.push_back(std::move(plan));
    }
  }
  nn::ApplyComputeThreads();
  nn::ParallelFor(chunks, 1, [&](const nn::Part& part) {
    ImagePlan& plan = *plans[part.index];
    for (int i = static_cast<int>(part.begin); i < part.end; ++i) {
      const int first = std::min(i * images, count - images);
      const Chunk chunk = {.first = first, .skip = i * images - first};
      Fill(chunk, plan);
      plan.Execute();
      take(chunk, plan);
    }
  });
  return absl::OkStatus();
}

absl::Status PlanEvaluator::MoveCut(int layer) {
  if (layer < cut_) Rewind();
  if (layer == cut_) return absl::OkStatus();
  std::map<int, std::vector<uint8_t>> kept;
  for (int index : LiveAt(base_.graph, layer)) {
    if (index < cut_) {
      kept[index] = kept_[index];
      continue;
    }
    kept[index].resize(images_.count() * Elements(ShapeOf(base_.graph, index)));
  }
  RETURN_IF_ERROR(
      Run(base_, {.first_layer = cut_, .end_layer = layer},
          [&](const Chunk& chunk, ImagePlan& plan) {
            for (auto& [index, stored] : kept) {
              if (index < cut_) continue;
              const absl::Span<const uint8_t> from = plan.tensor(index);
              const int64_t elements =
                  static_cast<int64_t>(from.size()) / plan.images();
              std::copy(from.begin() + chunk.skip * elements, from.end(),
                        stored.begin() + (chunk.first + chunk.skip) * elements);
            }
          }));
  kept_ = std::move(kept);
  cut_ = layer;
  return absl::OkStatus();
}

absl::StatusOr<PlanScore> PlanEvaluator::Evaluate(const QuantizationPlan& plan,
                                                  int first) {
  RETURN_IF_ERROR(MoveCut(first));
  ASSIGN_OR_RETURN(const QuantizedGraph quantized, GraphOf(plan));
  const nn::AffineGrid grid = ToAffineGrid(quantized.layers.back().output());
  std::vector<float> logits(float_logits_.size());
  RETURN_IF_ERROR(Run(quantized,
                      {.first_layer = first,
                       .end_layer = static_cast<int>(quantized.layers.size())},
                      [&](const Chunk& chunk, ImagePlan& images) {
                        const absl::Span<const uint8_t> stored =
                            images.output();
                        for (size_t i = int64_t{chunk.skip} * classes_;
                             i < stored.size(); ++i) {
                          logits[int64_t{chunk.first} * classes_ + i] =
                              Dequantize(stored[i], grid);
                        }
                      }));
  return ScoreOf(logits);
}

}  // namespace frostnas::quant
