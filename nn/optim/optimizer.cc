#include "nn/optim/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "nn/optim/grad_boost.h"
#include "nn/optim/kernels.h"
#include "nn/optim/optimizer_options.h"
#include "nn/optim/orthogonalize.h"
#include "nn/optim/state_bytes.h"
#include "nn/parameter.h"
#include "nn/threads.h"

namespace frostnas::nn {
namespace {

// Elements updated at a time: gradient, noise and state of a block stay in the
// first-level cache, so memory is read and written once.
constexpr size_t kBlock = 2048;
// Less than this (Slot::cost) is not worth a second thread.
constexpr int64_t kGrain = 32 * kBlock;

constexpr char kFormat[] = "frostnas optimizer 1";

// A parameter with its state. Arrays that the options do not use are empty.
struct Slot {
  Parameter* parameter = nullptr;
  uint64_t index = 0;
  float decay = 0;
  int64_t steps = 0;
  int64_t boosted = 0;
  std::vector<float> momentum, square, square_max, low, high;
  // Of the parameter as a matrix that Muon moves; 0: it does not.
  int64_t rows = 0, columns = 0;
  int thread = 0;  // that updates it in this step

  size_t size() const { return parameter->value.size(); }
  bool is_matrix() const { return rows > 0; }
  // Up to a factor. Of a matrix it is that of Orthogonalize.
  int64_t cost() const {
    const int64_t elements = static_cast<int64_t>(size());
    return is_matrix() ? elements * std::min(rows, columns) : elements;
  }
};

// The classifier, a matrix of its own kind, is left to Adam as Muon's authors
// do.
bool IsDenseConvolution(const Parameter& parameter) {
  return parameter.role == ParameterRole::kWeight &&
         parameter.shape.size() == 4;
}

// Gives each slot its thread: the dearest first, to the one that has least to
// do. `costs` has an entry a thread.
void SplitByCost(std::vector<Slot*>& slots, std::vector<int64_t>& costs) {
  std::sort(slots.begin(), slots.end(), [](const Slot* a, const Slot* b) {
    return a->cost() != b->cost() ? a->cost() > b->cost() : a->index < b->index;
  });
  std::fill(costs.begin(), costs.end(), 0);
  for (Slot* slot : slots) {
    const auto least = std::min_element(costs.begin(), costs.end());
    *least += slot->cost();
    slot->thread = static_cast<int>(least - costs.begin());
  }
}

// One thread's memory for a block.
struct Scratch {
  std::array<float, kBlock> gradient;  // as the update sees it
  std::array<float, kBlock> draws;
};

// A part of a slot's elements.
struct Block {
  size_t offset = 0;
  size_t count = 0;
};

float* At(std::vector<float>& state, size_t offset) {
  return state.empty() ? nullptr : state.data() + offset;
}

class OptimizerImpl : public Optimizer {
 public:
  OptimizerImpl(const OptimizerOptions& options,
                const std::vector<Parameter*>& parameters,
                std::unique_ptr<const NoiseSource> noise)
      : options_(options), noise_(std::move(noise)) {
    for (Parameter* parameter : parameters) AddSlot(parameter);
  }

  void Step(double learning_rate) override {
    chosen_.clear();
    for (Slot& slot : slots_) chosen_.push_back(&slot);
    UpdateChosen(learning_rate);
  }

  void StepSome(double learning_rate,
                const std::vector<Parameter*>& parameters) override {
    chosen_.clear();
    for (const Parameter* parameter : parameters) {
      const auto found = by_parameter_.find(parameter);
      CHECK(found != by_parameter_.end())
          << parameter->name << " is not a parameter of this optimizer";
      chosen_.push_back(&slots_[found->second]);
    }
    UpdateChosen(learning_rate);
  }

  void StartBoosting() override { boosting_ = boosts(); }

  std::string SaveState() const override;
  absl::Status LoadState(const std::string& state) override;

 private:
  bool boosts() const {
    return options_.grad_boost.mode != GradBoostMode::kOff;
  }
  bool adam(const Slot& slot) const {
    return options_.kind == OptimizerKind::kAdam ||
           options_.kind == OptimizerKind::kAdamW ||
           (options_.kind == OptimizerKind::kMuon && !slot.is_matrix());
  }

  void AddSlot(Parameter* parameter);
  void UpdateChosen(double learning_rate);
  // Of the elements at `value`, as many as the slot's.
  void Update(double learning_rate, Slot& slot, float* value);
  void UpdateMatrix(double learning_rate, Slot& slot);
  const float* Gradient(Slot& slot, const Block& block,
                        const BoostConstants& boost, Scratch& scratch) const;
  void Apply(double learning_rate, const Slot& slot,
             const UpdateRun& run) const;
  void ApplyAdam(double learning_rate, const Slot& slot,
                 const UpdateRun& run) const;

  OptimizerOptions options_;
  std::unique_ptr<const NoiseSource> noise_;
  bool boosting_ = false;
  std::vector<Slot> slots_;
  std::unordered_map<const Parameter*, size_t> by_parameter_;
  // Lists of a step, whose memory is kept for the next.
  std::vector<Slot*> chosen_;
  std::vector<int64_t> costs_;  // of each thread's slots
};

void OptimizerImpl::AddSlot(Parameter* parameter) {
  Slot slot;
  slot.parameter = parameter;
  slot.index = slots_.size();
  slot.decay = static_cast<float>(DecayOf(options_, parameter->role));
  const auto zeros = [&](bool used) {
    return std::vector<float>(used ? slot.size() : 0);
  };
  const bool sgd = options_.kind == OptimizerKind::kSgd;
  if (options_.kind == OptimizerKind::kMuon && IsDenseConvolution(*parameter)) {
    slot.rows = parameter->shape[0];
    slot.columns = static_cast<int64_t>(slot.size()) / slot.rows;
  }
  slot.momentum = zeros(!sgd || options_.momentum > 0);
  slot.square = zeros(!sgd && !slot.is_matrix());
  slot.square_max = zeros(adam(slot) && options_.amsgrad);
  slot.low = zeros(boosts());
  slot.high = zeros(boosts());
  by_parameter_[parameter] = slots_.size();
  slots_.push_back(std::move(slot));
}

// Each thread takes whole parameters, of about equal cost together: most are
// too small to be shared out. Who takes which does not show in the result.
void OptimizerImpl::UpdateChosen(double learning_rate) {
  int64_t cost = 0;
  for (const Slot* slot : chosen_) cost += slot->cost();
  const int threads = PartCount(cost, kGrain);
  costs_.resize(static_cast<size_t>(threads));
  SplitByCost(chosen_, costs_);
  ParallelFor(threads, 1, [&](const Part& part) {
    for (Slot* slot : chosen_) {
      if (slot->thread != part.index) continue;
      if (slot->is_matrix()) {
        UpdateMatrix(learning_rate, *slot);
      } else {
        Update(learning_rate, *slot, slot->parameter->value.data());
      }
    }
  });
}

void OptimizerImpl::UpdateMatrix(double learning_rate, Slot& slot) {
  thread_local std::vector<float> direction;
  thread_local OrthogonalizeScratch scratch;
  direction.assign(slot.size(), 0.0f);
  Update(-1, slot, direction.data());  // adds g + momentum v
  Orthogonalize(slot.rows, slot.columns, direction.data(), scratch);
  // A row of a tall matrix has less than unit length.
  const double tall = static_cast<double>(slot.rows) / slot.columns;
  const float rate =
      static_cast<float>(learning_rate * std::sqrt(std::max(1.0, tall)));
  const float shrink = static_cast<float>(1 - learning_rate * slot.decay);
  std::vector<float>& value = slot.parameter->value;
  for (size_t i = 0; i < value.size(); ++i) {
    value[i] = shrink * value[i] - rate * direction[i];
  }
}

void OptimizerImpl::Update(double learning_rate, Slot& slot, float* value) {
  CHECK_EQ(slot.parameter->grad.size(), slot.size()) << slot.parameter->name;
  ++slot.steps;
  if (boosting_) ++slot.boosted;
  const double beta = adam(slot) ? options_.beta1 : kBoostBeta;
  const BoostConstants boost =
      BoostConstantsFor(options_.grad_boost, beta, slot.steps, slot.boosted);
  Scratch scratch;
  for (size_t at = 0; at < slot.size(); at += kBlock) {
    const Block block = {.offset = at,
                         .count = std::min(kBlock, slot.size() - at)};
    const UpdateRun run = {.count = block.count,
                           .grad = Gradient(slot, block, boost, scratch),
                           .value = value + block.offset,
                           .momentum = At(slot.momentum, block.offset),
                           .square = At(slot.square, block.offset),
                           .square_max = At(slot.square_max, block.offset)};
    Apply(learning_rate, slot, run);
  }
}

// The gradient of a block, with Adam's decay and with noise where they apply.
const float* OptimizerImpl::Gradient(Slot& slot, const Block& block,
                                     const BoostConstants& boost,
                                     Scratch& scratch) const {
  const float* grad = slot.parameter->grad.data() + block.offset;
  // Adam's decay is part of the gradient that GradBoost sees; the others' is
  // added after the noise.
  if (options_.kind == OptimizerKind::kAdam && slot.decay != 0) {
    AddDecay(slot.decay,
             {.count = block.count,
              .grad = grad,
              .value = slot.parameter->value.data() + block.offset},
             scratch.gradient.data());
    grad = scratch.gradient.data();
  }
  if (!boosts()) return grad;
  BoostRun run = {.count = block.count,
                  .grad = grad,
                  .low = slot.low.data() + block.offset,
                  .high = slot.high.data() + block.offset};
  if (boosting_) {
    const NoiseKey key = {.parameter = slot.index,
                          .step = static_cast<uint64_t>(slot.boosted),
                          .toss_coin = options_.grad_boost.toss_coin};
    noise_->Fill(key, block.offset,
                 absl::MakeSpan(scratch.draws.data(), block.count));
    run.noise = scratch.draws.data();
    run.boosted = scratch.gradient.data();
  }
  Boost(boost, run);
  return boosting_ ? scratch.gradient.data() : grad;
}

void OptimizerImpl::Apply(double learning_rate, const Slot& slot,
                          const UpdateRun& run) const {
  const float rate = static_cast<float>(learning_rate);
  const float momentum = static_cast<float>(options_.momentum);
  switch (options_.kind) {
    case OptimizerKind::kSgd:
      SgdUpdate({.rate = rate,
                 .decay = slot.decay,
                 .momentum = momentum,
                 .keep = static_cast<float>(1 - options_.dampening),
                 .nesterov = options_.nesterov,
                 .first = slot.steps == 1},
                run);
      return;
    case OptimizerKind::kRmsprop:
      RmspropUpdate({.rate = rate,
                     .decay = slot.decay,
                     .momentum = momentum,
                     .alpha = static_cast<float>(options_.rms_alpha),
                     .epsilon = static_cast<float>(options_.epsilon)},
                    run);
      return;
    case OptimizerKind::kMuon:
      if (slot.is_matrix()) {
        SgdUpdate({.rate = rate,
                   .momentum = static_cast<float>(options_.muon_momentum),
                   .nesterov = true},
                  run);
        return;
      }
      [[fallthrough]];
    case OptimizerKind::kAdam:
    case OptimizerKind::kAdamW:
      ApplyAdam(learning_rate, slot, run);
      return;
  }
}

void OptimizerImpl::ApplyAdam(double learning_rate, const Slot& slot,
                              const UpdateRun& run) const {
  const double steps = static_cast<double>(slot.steps);
  const double bias1 = 1 - std::pow(options_.beta1, steps);
  const double bias2 = 1 - std::pow(options_.beta2, steps);
  // Adam's decay is in the gradient.
  const double shrink = options_.kind == OptimizerKind::kAdam
                            ? 1.0
                            : 1 - learning_rate * slot.decay;
  AdamUpdate({.rate = static_cast<float>(learning_rate / bias1),
              .shrink = static_cast<float>(shrink),
              .beta1 = static_cast<float>(options_.beta1),
              .beta2 = static_cast<float>(options_.beta2),
              .square_scale = static_cast<float>(1 / std::sqrt(bias2)),
              .epsilon = static_cast<float>(options_.epsilon)},
             run);
}

std::string OptimizerImpl::SaveState() const {
  StateWriter writer;
  writer.PutText(kFormat);
  writer.PutText(OptionsText(options_));
  writer.PutInt(boosting_);
  writer.PutInt(static_cast<int64_t>(slots_.size()));
  for (const Slot& slot : slots_) {
    writer.PutText(slot.parameter->name);
    writer.PutInt(slot.steps);
    writer.PutInt(slot.boosted);
    for (const std::vector<float>* state :
         {&slot.momentum, &slot.square, &slot.square_max, &slot.low,
          &slot.high}) {
      writer.PutFloats(*state);
    }
  }
  return std::move(writer).Take();
}

absl::Status ReadCounters(StateReader& reader, Slot& slot) {
  ASSIGN_OR_RETURN(slot.steps, reader.Int());
  ASSIGN_OR_RETURN(slot.boosted, reader.Int());
  if (slot.boosted < 0 || slot.steps < slot.boosted) {
    return absl::InvalidArgumentError(
        absl::StrCat("saved state of ", slot.parameter->name, " counts ",
                     slot.steps, " steps and ", slot.boosted, " boosted ones"));
  }
  return absl::OkStatus();
}

absl::Status ReadSlot(StateReader& reader, Slot& slot) {
  RETURN_IF_ERROR(reader.Expect(slot.parameter->name, "parameter"));
  RETURN_IF_ERROR(ReadCounters(reader, slot));
  for (std::vector<float>* state : {&slot.momentum, &slot.square,
                                    &slot.square_max, &slot.low, &slot.high}) {
    ASSIGN_OR_RETURN(*state, reader.Floats(state->size()));
  }
  // A square root follows.
  for (const std::vector<float>* state : {&slot.square, &slot.square_max}) {
    if (std::any_of(state->begin(), state->end(),
                    [](float value) { return value < 0; })) {
      return absl::InvalidArgumentError(absl::StrCat(
          "saved state of ", slot.parameter->name, " has a negative square"));
    }
  }
  return absl::OkStatus();
}

absl::Status OptimizerImpl::LoadState(const std::string& state) {
  StateReader reader(state);
  RETURN_IF_ERROR(reader.Expect(kFormat, "format"));
  RETURN_IF_ERROR(reader.Expect(OptionsText(options_), "optimizer"));
  ASSIGN_OR_RETURN(const int64_t boosting, reader.Int());
  if (boosting != 0 && (boosting != 1 || !boosts())) {
    return absl::InvalidArgumentError("saved state boosts with GradBoost off");
  }
  ASSIGN_OR_RETURN(const int64_t count, reader.Int());
  if (count != static_cast<int64_t>(slots_.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("saved state has ", count, " parameters, the optimizer ",
                     slots_.size()));
  }
  std::vector<Slot> slots = slots_;
  for (Slot& slot : slots) RETURN_IF_ERROR(ReadSlot(reader, slot));
  RETURN_IF_ERROR(reader.End());
  slots_ = std::move(slots);
  boosting_ = boosting == 1;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Optimizer>> Optimizer::Create(
    const OptimizerOptions& options, std::vector<Parameter*> parameters) {
  return CreateWithNoise(options, std::move(parameters),
                         NoiseSource::Create(options.seed));
}

absl::StatusOr<std::unique_ptr<Optimizer>> Optimizer::CreateWithNoise(
    const OptimizerOptions& options, std::vector<Parameter*> parameters,
    std::unique_ptr<const NoiseSource> noise) {
  RETURN_IF_ERROR(CheckOptions(options));
  return std::make_unique<OptimizerImpl>(options, parameters, std::move(noise));
}

}  // namespace frostnas::nn
