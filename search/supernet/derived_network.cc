#include "search/supernet/derived_network.h"

#include <algorithm>
#include <utility>

#include "arch/graph.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "nn/loss.h"
#include "nn/parameter.h"
#include "nn/precision.h"

namespace frostnas::search {
namespace {

nn::Batch Copied(const nn::Batch& batch) {
  return {batch.images.Clone(), batch.labels};
}

std::vector<nn::Batch> TakeBatches(nn::Loader& loader, int limit) {
  std::vector<nn::Batch> batches;
  loader.StartEpoch(0);
  while (static_cast<int>(batches.size()) < limit) {
    const nn::Batch* batch = loader.Next();
    if (batch == nullptr) break;
    batches.push_back(Copied(*batch));
  }
  return batches;
}

// Running average of a network's state buffers over batches.
class StateAverage {
 public:
  explicit StateAverage(const std::vector<nn::StateBuffer*>& state)
      : state_(state), sums_(state.size()) {
    for (size_t i = 0; i < state.size(); ++i) {
      sums_[i].assign(state[i]->value.size(), 0.0);
    }
  }

  void Add() {
    ++count_;
    for (size_t i = 0; i < state_.size(); ++i) {
      for (size_t j = 0; j < sums_[i].size(); ++j) {
        sums_[i][j] += state_[i]->value[j];
      }
    }
  }

  void Store() {
    for (size_t i = 0; i < state_.size(); ++i) {
      for (size_t j = 0; j < sums_[i].size(); ++j) {
        state_[i]->value[j] = static_cast<float>(sums_[i][j] / count_);
      }
    }
  }

 private:
  const std::vector<nn::StateBuffer*>& state_;
  std::vector<std::vector<double>> sums_;
  int count_ = 0;
};

// Calibration must not see dropout's noise in the ranges.
v1::Architecture WithoutDropout(v1::Architecture architecture) {
  for (v1::Block& block : *architecture.mutable_blocks()) {
    if (block.has_classifier()) block.mutable_classifier()->set_dropout(0);
  }
  return architecture;
}

}  // namespace

EvaluationData MakeEvaluationData(const nn::Dataset& dataset,
                                  const EvaluationOptions& options) {
  nn::LoaderOptions training;
  training.batch = std::min(options.batch, dataset.train.count());
  training.augmentation = options.augmentation;
  training.seed = options.seed;
  nn::Loader train(dataset.train, dataset.info, training);
  nn::LoaderOptions validation;
  validation.batch = options.batch;
  validation.shuffle = false;
  validation.drop_last = false;
  nn::Loader val(dataset.val, dataset.info, validation);
  const int most = std::max(1, options.max_validation_images / options.batch);
  return {TakeBatches(train, options.calibration_batches),
          TakeBatches(val, most)};
}

absl::StatusOr<std::unique_ptr<DerivedNetwork>> DerivedNetwork::Create(
    const v1::Architecture& architecture, const v1::FloatNetwork& weights) {
  std::unique_ptr<DerivedNetwork> made(new DerivedNetwork());
  made->architecture_ = architecture;
  ASSIGN_OR_RETURN(const arch::Graph graph,
                   arch::ExpandArchitecture(WithoutDropout(architecture)));
  ASSIGN_OR_RETURN(made->plan_, quant::QatPlan::Create(graph, {}));
  // Momentum 1: after a batch the running statistics are that batch's.
  nn::NetworkOptions options;
  options.batch_norm_momentum = 1;
  options.precision = nn::Precision::kMixed;
  ASSIGN_OR_RETURN(made->network_, nn::Network::Create(graph, options));
  made->plan_->Attach(*made->network_);
  RETURN_IF_ERROR(made->network_->Load(weights, true));
  return made;
}

void DerivedNetwork::Recalibrate(absl::Span<const nn::Batch> batches,
                                 bool quantize) {
  CHECK(!batches.empty());
  plan_->SetPhase(quant::QatPhase::kObserving);
  for (const nn::Batch& batch : batches.first((batches.size() + 1) / 2)) {
    network_->Forward(batch.images, nn::Mode::kTrain);
  }
  if (quantize) plan_->SetPhase(quant::QatPhase::kQuantizing);
  StateAverage average(network_->state());
  for (const nn::Batch& batch : batches) {
    network_->Forward(batch.images, nn::Mode::kTrain);
    average.Add();
  }
  average.Store();
}

double DerivedNetwork::Top1(absl::Span<const nn::Batch> batches) {
  int64_t correct = 0;
  int64_t images = 0;
  for (const nn::Batch& batch : batches) {
    const nn::Tensor& logits = network_->Forward(batch.images, nn::Mode::kEval);
    correct += nn::CountCorrect(logits, batch.labels);
    images += static_cast<int64_t>(batch.labels.size());
  }
  return images > 0 ? static_cast<double>(correct) / images : 0;
}

v1::FloatNetwork DerivedNetwork::Save() const {
  v1::FloatNetwork saved;
  saved.set_format_version(1);
  *saved.mutable_architecture() = architecture_;
  network_->Save(saved);
  plan_->Save(saved);
  return saved;
}

}  // namespace frostnas::search
