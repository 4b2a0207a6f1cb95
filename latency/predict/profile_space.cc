#include "latency/predict/profile_space.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "arch/op_key.h"
#include "base/status_macros.h"
#include "latency/predict/predictor.h"
#include "latency/predict/space_networks.h"
#include "latency/predict/transfer.h"

namespace frostnas::latency {
namespace {

// Ops measured on a new device before anything is inferred.
constexpr int kFirstOps = 24;

// Whether the error is of machines, not of what was asked: the next try may do.
bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsAborted(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

class SpaceProfile {
 public:
  SpaceProfile(const ProfileInputs& inputs, const ProfileOptions& options,
               LatencyTable& table)
      : device_(inputs.device),
        space_(inputs.space),
        options_(options),
        hooks_(inputs.hooks),
        clock_(inputs.clock),
        stop_(inputs.stop),
        table_(table),
        ops_(arch::DistinctOps(inputs.space)) {
    summary_.ops = static_cast<int>(ops_.size());
  }

  absl::StatusOr<ProfileSummary> Run() {
    const bool transfer = !options_.start_from.empty();
    ASSIGN_OR_RETURN(const std::vector<v1::OpKey> first, FirstOps());
    RETURN_IF_ERROR(MeasureOps(first));
    if (transfer) RETURN_IF_ERROR(Infer());
    ASSIGN_OR_RETURN(
        std::vector<SpaceNetwork> for_fit,
        PickForFit(space_, table_, options_.networks, options_.seed));
    if (transfer) {
      RETURN_IF_ERROR(MeasureNetworks(Planned(for_fit, {})));
      RETURN_IF_ERROR(RefineOps());
      for_fit.clear();
    }
    ASSIGN_OR_RETURN(const std::vector<SpaceNetwork> held_out,
                     PickToHoldOut(space_, table_, options_.held_out,
                                   options_.seed, for_fit));
    RETURN_IF_ERROR(MeasureNetworks(Planned(for_fit, held_out)));
    for (const v1::OpKey& op : ops_) {
      summary_.ops_inferred += table_.Find(op)->samples() == 0;
    }
    if (summary_.ops_measured > 0) {
      summary_.saved =
          summary_.ops_time / summary_.ops_measured * summary_.ops_inferred;
    }
    return summary_;
  }

 private:
  bool IsMeasured(const v1::OpKey& op) const {
    const v1::OpLatency* entry = table_.Find(op);
    return entry != nullptr && entry->samples() > 0;
  }

  // All of a table is stated at the same speeds, whoever measured first.
  MeasureRequest Request() const {
    MeasureRequest request = options_.request;
    request.input_size = space_.input().size;
    request.full_speeds = table_.full_speeds();
    return request;
  }
  void KeepFullSpeeds() {
    table_.KeepFullSpeeds(device_.FullSpeeds(options_.request.threads));
  }

  std::vector<v1::OpKey> NotMeasured(absl::Span<const v1::OpKey> ops) const {
    std::vector<v1::OpKey> missing;
    std::copy_if(ops.begin(), ops.end(), std::back_inserter(missing),
                 [this](const v1::OpKey& op) { return !IsMeasured(op); });
    return missing;
  }

  absl::StatusOr<std::vector<v1::OpKey>> FirstOps() const {
    if (options_.start_from.empty()) return NotMeasured(ops_);
    ASSIGN_OR_RETURN(const std::vector<v1::OpKey> first,
                     PickOps(options_.start_from, ops_, kFirstOps));
    return NotMeasured(first);
  }

  absl::Status MeasureOps(absl::Span<const v1::OpKey> ops) {
    const size_t group = static_cast<size_t>(options_.ops_per_group);
    if (!ops.empty()) hooks_.begin("operators", static_cast<int>(ops.size()));
    for (size_t begin = 0; begin < ops.size(); begin += group) {
      const absl::Duration start = clock_.Monotonic();
      RETURN_IF_ERROR(Patiently([&] {
        return MeasureGroup(NotMeasured(ops.subspan(begin, group)));
      }));
      summary_.ops_time += clock_.Monotonic() - start;
      KeepFullSpeeds();
      RETURN_IF_ERROR(hooks_.save(table_));
    }
    return absl::OkStatus();
  }

  absl::Status MeasureGroup(absl::Span<const v1::OpKey> ops) {
    return device_.ProfileOps(
        ops, Request(),
        [this](const v1::OpLatency& op) {
          RETURN_IF_ERROR(table_.Add(op));
          ++summary_.ops_measured;
          hooks_.step();
          return absl::OkStatus();
        },
        stop_);
  }

  // Asks again where that may help.
  absl::Status Patiently(absl::FunctionRef<absl::Status()> ask) {
    for (int tries = 0;; ++tries) {
      const absl::Status status = ask();
      if (!MayPass(status) || tries == options_.retries) return status;
      const absl::Status ready = device_.Ready();
      if (!ready.ok() && !MayPass(ready)) return ready;
      if (hooks_.waiting) hooks_.waiting(status);
      stop_.WaitFor(options_.retry_pause);
      RETURN_IF_ERROR(stop_.Check());
    }
  }

  struct PlannedNetwork {
    SpaceNetwork network;
    bool held_out = false;
  };

  // In the order of digests, which is as good as random: no spell of the device
  // meets one kind only, and what a kill leaves behind keeps its order.
  std::vector<PlannedNetwork> Planned(
      absl::Span<const SpaceNetwork> for_fit,
      absl::Span<const SpaceNetwork> held_out) const {
    std::vector<PlannedNetwork> planned;
    for (const SpaceNetwork& network : for_fit) planned.push_back({network});
    for (const SpaceNetwork& network : held_out) {
      planned.push_back({network, /*held_out=*/true});
    }
    std::sort(planned.begin(), planned.end(),
              [](const PlannedNetwork& a, const PlannedNetwork& b) {
                return a.network.arch_sha256 < b.network.arch_sha256;
              });
    return planned;
  }

  absl::Status MeasureNetworks(absl::Span<const PlannedNetwork> networks) {
    if (networks.empty()) return absl::OkStatus();
    hooks_.begin("networks", static_cast<int>(networks.size()));
    for (const PlannedNetwork& planned : networks) {
      RETURN_IF_ERROR(stop_.Check());
      const absl::Duration start = clock_.Monotonic();
      v1::Measurement measured;
      RETURN_IF_ERROR(Patiently([&]() -> absl::Status {
        ASSIGN_OR_RETURN(measured,
                         device_.Measure(RandomPackage(planned.network, 1),
                                         Request(), stop_));
        return absl::OkStatus();
      }));
      KeepFullSpeeds();
      RETURN_IF_ERROR(table_.AddNetwork(
          MeasuredNetworkOf(planned.network, measured, planned.held_out)));
      ++summary_.networks_measured;
      summary_.networks_time += clock_.Monotonic() - start;
      hooks_.step();
      RETURN_IF_ERROR(hooks_.save(table_));
    }
    return absl::OkStatus();
  }

  absl::Status Infer() {
    ASSIGN_OR_RETURN(const std::vector<v1::OpLatency> inferred,
                     InferOps(options_.start_from, table_, ops_));
    for (const v1::OpLatency& op : inferred) RETURN_IF_ERROR(table_.Add(op));
    return absl::OkStatus();
  }

  // Measures inferred ops until networks are predicted well enough.
  absl::Status RefineOps() {
    while (true) {
      ASSIGN_OR_RETURN(const Predictor predictor, Predictor::Create(table_));
      const std::optional<double> mape = predictor.left_out_mape();
      if (!mape || *mape <= options_.target_mape) return absl::OkStatus();
      const std::vector<v1::OpKey> next = MostUncertain();
      if (next.empty()) return absl::OkStatus();
      RETURN_IF_ERROR(MeasureOps(next));
      RETURN_IF_ERROR(Infer());
    }
  }

  // A group of the inferred ops that have the largest errors times how often a
  // random network has them.
  std::vector<v1::OpKey> MostUncertain() const {
    absl::flat_hash_map<std::string, double> uses;
    for (const arch::SearchSlot& slot : space_.slots()) {
      for (const arch::SlotCandidate& candidate : slot.candidates) {
        for (const arch::Layer& layer : candidate.graph.layers) {
          const auto op = arch::OpKeyOf(layer);
          if (op) uses[arch::OpKeyText(*op)] += 1.0 / slot.candidates.size();
        }
      }
    }
    std::vector<v1::OpKey> ops = NotMeasured(ops_);
    const auto weight = [&](const v1::OpKey& op) {
      return uses[arch::OpKeyText(op)] *
             static_cast<double>(table_.Find(op)->error_ns());
    };
    std::stable_sort(ops.begin(), ops.end(),
                     [&](const v1::OpKey& a, const v1::OpKey& b) {
                       return weight(a) > weight(b);
                     });
    ops.resize(std::min<size_t>(ops.size(), options_.ops_per_group));
    return ops;
  }

  LatencyDevice& device_;
  const arch::SearchSpace& space_;
  const ProfileOptions& options_;
  const ProfileHooks& hooks_;
  Clock& clock_;
  const StopToken& stop_;
  LatencyTable& table_;
  const std::vector<v1::OpKey> ops_;
  ProfileSummary summary_;
};

}  // namespace

absl::Status CheckTableOf(const LatencyTable& table, const v1::Device& device,
                          const MeasureRequest& request) {
  const v1::Device& other = table.device();
  const auto refuse = [&](const std::string& of, const std::string& not_of) {
    return absl::FailedPreconditionError(
        absl::StrCat("the table is of ", of, ", not of ", not_of,
                     "; name another file to profile into"));
  };
  if (other.fingerprint() != device.fingerprint()) {
    return refuse(absl::StrCat("device ", other.id(), " (", other.model(),
                               ", fingerprint ", other.fingerprint(), ")"),
                  absl::StrCat(device.id(), " (", device.model(),
                               ", fingerprint ", device.fingerprint(), ")"));
  }
  if (other.runtime() != device.runtime()) {
    return refuse(absl::StrCat("runtime ", other.runtime()), device.runtime());
  }
  if (table.threads() != request.threads || table.batch() != request.batch) {
    return refuse(
        absl::StrCat(table.threads(), " threads, batch ", table.batch()),
        absl::StrCat(request.threads, " threads, batch ", request.batch));
  }
  return absl::OkStatus();
}

absl::StatusOr<ProfileSummary> ProfileSpace(const ProfileInputs& inputs,
                                            const ProfileOptions& options,
                                            LatencyTable& table) {
  RETURN_IF_ERROR(CheckRequest(options.request));
  RETURN_IF_ERROR(
      CheckTableOf(table, inputs.device.Describe(), options.request));
  return SpaceProfile(inputs, options, table).Run();
}

}  // namespace frostnas::latency
