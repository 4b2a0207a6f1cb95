#include "search/supernet/supernet_search.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "arch/space.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "latency/expected_latency.h"
#include "search/strategies/create_strategy.h"
#include "search/strategies/strategy.h"
#include "search/supernet/oracle.h"
#include "search/supernet/trainer.h"

namespace frostnas::search {
namespace {

// Evaluations of the strategy for each trial wanted, and architecture steps
// for each latency limit.
constexpr int kEvaluationsPerTrial = 2;
constexpr int kLimitSteps = 20;
// A mixture of all nine candidates costs nine paths a step; the best three of a
// Gumbel sample carry nearly all of its weight.
constexpr int kGumbelCandidates = 3;
// Collapse alarms: mean entropy in nats, share of probability on skip.
constexpr double kLowEntropy = 0.1;
constexpr double kHighSkipShare = 0.9;

double LimitOf(const v1::StudySpec& spec, const std::string& device_id) {
  for (const v1::LatencyLimit& limit : spec.latency_limits()) {
    if (limit.device_id() == device_id) {
      return static_cast<double>(limit.limit_ns());
    }
  }
  return 0;
}

TrainerOptions OptionsOf(const v1::StudySpec& spec,
                         const latency::ExpectedLatency& latency,
                         double limit_ns) {
  TrainerOptions options;
  options.float_epochs = spec.budget().float_epochs();
  options.search_epochs = spec.budget().search_epochs();
  options.batch = spec.budget().batch();
  options.seed = Random(spec.seed()).Split("supernet").NextUint64();
  options.evaluation.batch = options.batch;
  options.evaluation.seed = options.seed;
  options.architecture_steps = spec.strategy() == v1::STRATEGY_PROXYLESS ||
                               spec.strategy() == v1::STRATEGY_GUMBEL;
  if (spec.strategy() == v1::STRATEGY_GUMBEL) {
    options.architecture.gates = GateKind::kGumbel;
    options.architecture.gumbel_candidates = kGumbelCandidates;
  }
  // Without a limit: the middle of the range, so that neither end starves.
  options.limit_ns =
      limit_ns > 0 ? limit_ns : (latency.MinNs() + latency.MaxNs()) / 2;
  return options;
}

void WarnOfCollapse(const v1::SearchEpoch& epoch) {
  if (epoch.phase() != "search") return;
  if (epoch.skip_share() > kHighSkipShare || epoch.entropy() < kLowEntropy) {
    LOG(WARNING) << absl::StrFormat(
        "epoch %d: the architecture distribution has collapsed (entropy %.3f "
        "nats, %.0f %% on skip)",
        epoch.epoch(), epoch.entropy(), 100 * epoch.skip_share());
  }
}

class SupernetSearch : public SearchPhase {
 public:
  SupernetSearch(const SearchInputs& inputs, arch::SearchSpace space)
      : spec_(inputs.spec),
        dataset_(inputs.dataset),
        space_(std::move(space)) {}

  absl::Status Prepare(const std::vector<latency::LatencyTable>& tables);

  int epochs() const override { return trainer_->epochs(); }
  int epochs_done() const override { return trainer_->epochs_done(); }

  absl::StatusOr<v1::SearchEpoch> RunEpoch(
      const StopToken& stop, const ProgressCallback& progress) override;

  std::string SaveState() override { return trainer_->SaveState(); }
  absl::Status LoadState(absl::string_view state) override {
    return trainer_->LoadState(std::string(state));
  }

  absl::StatusOr<std::vector<Proposal>> Propose(
      int count, const StopToken& stop,
      const ProgressCallback& progress) override;

 private:
  ProposalRequest RequestFor(int count) const;
  absl::StatusOr<Proposal> WithWeights(const ProposedPath& path);

  const v1::StudySpec& spec_;
  const nn::Dataset& dataset_;
  const arch::SearchSpace space_;
  // One a device, in order; never moved, since others hold references.
  std::vector<std::unique_ptr<latency::ExpectedLatency>> latencies_;
  std::vector<DeviceLimit> limits_;
  const latency::ExpectedLatency* primary_ = nullptr;
  double primary_limit_ns_ = 0;  // 0: none
  std::unique_ptr<Strategy> strategy_;
  std::unique_ptr<SupernetTrainer> trainer_;
};

absl::Status SupernetSearch::Prepare(
    const std::vector<latency::LatencyTable>& tables) {
  ASSIGN_OR_RETURN(strategy_, CreateStrategy(spec_.strategy()));
  for (size_t d = 0; d < tables.size(); ++d) {
    ASSIGN_OR_RETURN(latency::ExpectedLatency expected,
                     latency::ExpectedLatency::FromTable(space_, tables[d]));
    latencies_.push_back(
        std::make_unique<latency::ExpectedLatency>(std::move(expected)));
    const double limit_ns = LimitOf(spec_, spec_.devices(d));
    if (limit_ns <= 0) continue;
    RETURN_IF_ERROR(CheckLimit(*latencies_.back(), limit_ns));
    limits_.push_back({latencies_.back().get(), limit_ns});
  }
  primary_ = limits_.empty() ? latencies_[0].get() : limits_[0].latency;
  primary_limit_ns_ = limits_.empty() ? 0 : limits_[0].limit_ns;
  const TrainerInputs inputs = {space_, dataset_, *primary_, RealClock()};
  ASSIGN_OR_RETURN(trainer_,
                   SupernetTrainer::Create(
                       inputs, OptionsOf(spec_, *primary_, primary_limit_ns_)));
  return absl::OkStatus();
}

absl::StatusOr<v1::SearchEpoch> SupernetSearch::RunEpoch(
    const StopToken& stop, const ProgressCallback& progress) {
  ASSIGN_OR_RETURN(v1::SearchEpoch epoch, trainer_->RunEpoch([&](double share) {
    progress(share);
    return stop.Check();
  }));
  WarnOfCollapse(epoch);
  return epoch;
}

ProposalRequest SupernetSearch::RequestFor(int count) const {
  ProposalRequest request;
  request.wanted = count;
  // Every other trial is a limit's choice, the rest are samples around them.
  request.limits_ns =
      SpreadLimits(*primary_, std::max(1, (count + 1) / 2), primary_limit_ns_);
  request.evaluations = kEvaluationsPerTrial * count;
  request.random = Random(spec_.seed()).Split("strategy");
  return request;
}

absl::StatusOr<Proposal> SupernetSearch::WithWeights(const ProposedPath& path) {
  ASSIGN_OR_RETURN(auto network, trainer_->Derive(path.path));
  Proposal proposal;
  proposal.choice = ChoiceOf(path.path);
  proposal.origin = path.origin;
  proposal.weights = network->Save();
  *proposal.weights.mutable_dataset() = dataset_.info;
  v1::InputTransform& input = *proposal.weights.mutable_input();
  *input.mutable_mean() = dataset_.info.mean();
  *input.mutable_stddev() = dataset_.info.stddev();
  return proposal;
}

absl::StatusOr<std::vector<Proposal>> SupernetSearch::Propose(
    int count, const StopToken& stop, const ProgressCallback& progress) {
  const ProposalRequest request = RequestFor(count);
  const double work =
      static_cast<double>(request.limits_ns.size()) + request.evaluations;
  double done = 0;
  OracleOptions options;
  options.limits = limits_;
  options.limit_steps = kLimitSteps;
  options.before_work = [&] {
    progress(std::min(1.0, done / work));
    done += 1;
    return stop.Check();
  };
  SupernetOracle oracle(*trainer_, std::move(options));
  ASSIGN_OR_RETURN(const std::vector<ProposedPath> paths,
                   strategy_->Propose(oracle, request));
  if (paths.empty()) {
    return absl::FailedPreconditionError(
        "no architecture of the space keeps the latency limits of all devices: "
        "raise one, or use a smaller width or input size");
  }
  std::vector<Proposal> proposals;
  for (const ProposedPath& path : paths) {
    RETURN_IF_ERROR(stop.Check());
    ASSIGN_OR_RETURN(proposals.emplace_back(), WithWeights(path));
  }
  return proposals;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SearchPhase>> MakeSupernetSearch(
    const SearchInputs& inputs) {
  ASSIGN_OR_RETURN(arch::SearchSpace space,
                   arch::SearchSpace::Create(inputs.spec.space()));
  auto search = std::make_unique<SupernetSearch>(inputs, std::move(space));
  RETURN_IF_ERROR(search->Prepare(inputs.tables));
  return search;
}

}  // namespace frostnas::search
