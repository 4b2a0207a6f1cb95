#include "search/supernet/architecture_parameters.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace frostnas::search {
namespace {

constexpr double kInitialDeviation = 1e-3;

nn::OptimizerOptions AdamOptions() {
  nn::OptimizerOptions options;
  options.kind = nn::OptimizerKind::kAdam;
  options.beta1 = 0;
  options.beta2 = 0.999;
  options.weight_decay = 0;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ArchitectureParameters>>
ArchitectureParameters::Create(absl::Span<const int> candidates,
                               Random random) {
  std::unique_ptr<ArchitectureParameters> made(new ArchitectureParameters());
  std::vector<nn::Parameter*> moved;
  for (size_t s = 0; s < candidates.size(); ++s) {
    auto alpha = std::make_unique<nn::Parameter>();
    alpha->name = absl::StrCat("alpha/", s);
    alpha->role = nn::ParameterRole::kBias;
    alpha->shape = {candidates[s]};
    alpha->value.assign(candidates[s], 0.0f);
    alpha->ZeroGrad();
    if (candidates[s] > 1) {
      for (float& value : alpha->value) {
        value = static_cast<float>(kInitialDeviation * random.Normal());
      }
      moved.push_back(alpha.get());
    }
    made->alphas_.push_back(std::move(alpha));
  }
  ASSIGN_OR_RETURN(made->optimizer_,
                   nn::Optimizer::Create(AdamOptions(), std::move(moved)));
  made->fresh_optimizer_ = made->optimizer_->SaveState();
  return made;
}

latency::SlotValues ArchitectureParameters::Logits() const {
  latency::SlotValues logits;
  for (const auto& alpha : alphas_) {
    logits.emplace_back(alpha->value.begin(), alpha->value.end());
  }
  return logits;
}

latency::SlotValues ArchitectureParameters::Probabilities() const {
  latency::SlotValues rows = Logits();
  for (std::vector<double>& row : rows) row = latency::Softmax(row);
  return rows;
}

void ArchitectureParameters::Reset(const latency::SlotValues& logits) {
  CHECK_EQ(logits.size(), alphas_.size());
  for (size_t s = 0; s < logits.size(); ++s) {
    CHECK_EQ(logits[s].size(), alphas_[s]->value.size());
    std::copy(logits[s].begin(), logits[s].end(), alphas_[s]->value.begin());
    alphas_[s]->ZeroGrad();
  }
  CHECK_OK(optimizer_->LoadState(fresh_optimizer_));
}

void ArchitectureParameters::AddGradient(int slot,
                                         absl::Span<const double> gradient) {
  std::vector<float>& grad = alphas_[slot]->grad;
  CHECK_EQ(gradient.size(), grad.size());
  for (size_t k = 0; k < grad.size(); ++k) {
    grad[k] += static_cast<float>(gradient[k]);
  }
}

void ArchitectureParameters::Step(double learning_rate) {
  optimizer_->Step(learning_rate);
  for (auto& alpha : alphas_) alpha->ZeroGrad();
}

void ArchitectureParameters::StepPairs(double learning_rate,
                                       absl::Span<const GatePair> pairs) {
  CHECK_EQ(pairs.size(), alphas_.size());
  const latency::SlotValues before = Logits();
  Step(learning_rate);
  for (size_t s = 0; s < pairs.size(); ++s) {
    const GatePair& pair = pairs[s];
    if (pair.active == pair.other) continue;
    std::vector<double> row(alphas_[s]->value.begin(), alphas_[s]->value.end());
    RescalePair(pair, before[s][pair.active], before[s][pair.other],
                absl::MakeSpan(row));
    alphas_[s]->value.assign(row.begin(), row.end());
  }
}

double ArchitectureParameters::MeanEntropy() const {
  double sum = 0;
  int choices = 0;
  for (const std::vector<double>& p : Probabilities()) {
    if (p.size() < 2) continue;
    sum += Entropy(p);
    ++choices;
  }
  return choices > 0 ? sum / choices : 0;
}

std::string ArchitectureParameters::SaveState() const {
  v1::FloatNetwork state;
  for (const auto& alpha : alphas_) {
    v1::NamedTensor& tensor = *state.add_tensors();
    tensor.set_name(alpha->name);
    tensor.set_data(reinterpret_cast<const char*>(alpha->value.data()),
                    alpha->value.size() * sizeof(float));
  }
  v1::NamedTensor& optimizer = *state.add_tensors();
  optimizer.set_name("optimizer");
  optimizer.set_data(optimizer_->SaveState());
  return state.SerializeAsString();
}

absl::Status ArchitectureParameters::LoadState(const std::string& state) {
  const absl::Status unfit = absl::InvalidArgumentError(
      "checkpoint: architecture parameters are not of this space");
  v1::FloatNetwork stored;
  if (!stored.ParseFromString(state) ||
      stored.tensors_size() != num_slots() + 1) {
    return unfit;
  }
  for (int s = 0; s < num_slots(); ++s) {
    std::vector<float>& value = alphas_[s]->value;
    const std::string& data = stored.tensors(s).data();
    if (data.size() != value.size() * sizeof(float)) return unfit;
    std::memcpy(value.data(), data.data(), data.size());
    alphas_[s]->ZeroGrad();
  }
  return optimizer_->LoadState(stored.tensors(num_slots()).data());
}

LatencyPressure::LatencyPressure(const latency::ExpectedLatency& latency,
                                 double limit_ns, double eta)
    : latency_(latency), limit_ns_(limit_ns), eta_(eta) {
  CHECK(limit_ns > 0 && eta >= 0);
}

double LatencyPressure::Loss(double expected_ns) const {
  return lambda_ * (expected_ns / limit_ns_ - 1);
}

void LatencyPressure::Update(double expected_ns) {
  lambda_ = std::max(0.0, lambda_ + eta_ * (expected_ns / limit_ns_ - 1));
}

}  // namespace frostnas::search
