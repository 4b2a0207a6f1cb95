// Checks this machine as a measuring device: how far repeated measurements of
// one package differ, and how well a profiled table predicts networks of a
// space that its calibration has not seen.
//
//   bazel run //latency:self_check -- --space /path/of/space.textproto
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "arch/graph.h"
#include "arch/op_key.h"
#include "arch/space.h"
#include "arch/textproto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "latency/calibrate.h"
#include "latency/host_device.h"
#include "latency/latency_table.h"
#include "quant/quantized_graph.h"

ABSL_FLAG(std::string, space, "", "space to check with, a textproto file");
ABSL_FLAG(double, width, 0, "width multiplier; 0: the space's own");
ABSL_FLAG(int, input_size, 32, "height and width of the input, pixels");
ABSL_FLAG(std::string, effort, "quick", "smoke, quick or full");
ABSL_FLAG(int, networks, 30, "random networks to measure");
ABSL_FLAG(int, fit, 8, "how many of them the calibration is fitted on");
ABSL_FLAG(int, repeats, 20, "measurements of the first network");
ABSL_FLAG(std::string, table, "", "file to write the table to");

namespace frostnas::latency {
namespace {

struct Network {
  arch::Graph graph;
  v1::Package package;
};

absl::StatusOr<Effort> EffortFlag() {
  const std::string name = absl::GetFlag(FLAGS_effort);
  if (name == "smoke") return Effort::kSmoke;
  if (name == "quick") return Effort::kQuick;
  if (name == "full") return Effort::kFull;
  return absl::InvalidArgumentError(
      absl::StrCat("--effort ", name, " is not smoke, quick or full"));
}

absl::StatusOr<arch::SearchSpace> SpaceFlag() {
  v1::Space spec;
  RETURN_IF_ERROR(
      arch::ReadTextproto(ResolveUserPath(absl::GetFlag(FLAGS_space)), spec));
  arch::SpaceOverrides overrides;
  overrides.input_size = absl::GetFlag(FLAGS_input_size);
  if (absl::GetFlag(FLAGS_width) > 0) {
    overrides.width = absl::GetFlag(FLAGS_width);
  }
  return arch::SearchSpace::Create(spec, overrides);
}

// Weights do not matter for latency.
absl::StatusOr<Network> RandomNetwork(const arch::SearchSpace& space,
                                      Random& random) {
  Network network;
  ASSIGN_OR_RETURN(*network.package.mutable_architecture(),
                   space.ArchitectureOf(space.RandomChoice(random)));
  ASSIGN_OR_RETURN(network.graph,
                   arch::ExpandArchitecture(network.package.architecture()));
  const quant::QuantizedGraph quantized =
      quant::RandomQuantizedGraph(network.graph, /*seed=*/1);
  network.package.set_format_version(1);
  for (int i = 0; i < network.graph.input.channels; ++i) {
    network.package.mutable_input()->add_mean(0.5);
    network.package.mutable_input()->add_stddev(0.25);
  }
  *network.package.mutable_input()->mutable_grid() = quantized.input;
  network.package.mutable_layers()->Assign(quantized.layers.begin(),
                                           quantized.layers.end());
  return network;
}

class SelfCheck {
 public:
  SelfCheck(arch::SearchSpace space, Effort effort)
      : space_(std::move(space)),
        stop_(StopOnSignals()),
        device_(CreateHostDevice(RealClock())),
        request_{.effort = effort},
        table_(device_->Describe(), request_.threads, request_.batch) {}

  absl::Status Run() {
    std::printf("%s\n", device_->Describe().ShortDebugString().c_str());
    RETURN_IF_ERROR(Profile());
    Random random(1);
    std::vector<Network> networks;
    for (int i = 0; i < absl::GetFlag(FLAGS_networks); ++i) {
      ASSIGN_OR_RETURN(networks.emplace_back(), RandomNetwork(space_, random));
    }
    RETURN_IF_ERROR(Predict(networks));
    if (!networks.empty()) RETURN_IF_ERROR(Repeat(networks[0]));
    const std::string file = absl::GetFlag(FLAGS_table);
    return file.empty() ? absl::OkStatus() : table_.Save(ResolveUserPath(file));
  }

 private:
  absl::Status Profile() {
    const absl::Duration start = RealClock().Monotonic();
    const auto ops = arch::DistinctOps(space_);
    RETURN_IF_ERROR(device_->ProfileOps(
        ops, request_,
        [this](const v1::OpLatency& op) { return table_.Add(op); }, stop_));
    double error = 0;
    const v1::LatencyTable profiled = table_.ToProto();
    for (const v1::OpLatency& op : profiled.ops()) {
      error += static_cast<double>(op.error_ns()) / op.median_ns() /
               table_.num_ops();
    }
    std::printf(
        "profiled %d ops in %.1f s, mean error %.1f %%\n", table_.num_ops(),
        absl::ToDoubleSeconds(RealClock().Monotonic() - start), 100 * error);
    return absl::OkStatus();
  }

  absl::Status Predict(const std::vector<Network>& networks) {
    std::vector<NetworkPair> pairs;
    int noisy = 0;
    for (const Network& network : networks) {
      ASSIGN_OR_RETURN(const double sum_ns, table_.OpSumNs(network.graph));
      ASSIGN_OR_RETURN(const v1::Measurement measured,
                       device_->Measure(network.package, request_, stop_));
      noisy += measured.verdict() == v1::MEASUREMENT_VERDICT_NOISY;
      pairs.push_back({sum_ns, static_cast<double>(measured.median_ns())});
    }
    const size_t fit = std::min<size_t>(absl::GetFlag(FLAGS_fit), pairs.size());
    const auto all = absl::MakeConstSpan(pairs);
    ASSIGN_OR_RETURN(const v1::Calibration calibration,
                     FitCalibration(all.first(fit)));
    RETURN_IF_ERROR(table_.set_calibration(calibration));
    std::printf("calibration on %zu: %s; %d of %zu noisy\n", fit,
                calibration.ShortDebugString().c_str(), noisy, pairs.size());
    if (fit == pairs.size()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const PredictionQuality quality,
                     EvaluateCalibration(calibration, all.subspan(fit)));
    std::printf(
        "unseen %d: MAPE %.1f %%, within 5 %%: %.2f, within 10 %%: %.2f, tau "
        "%.3f, worst %+.1f %%\n",
        quality.networks, 100 * quality.mape, quality.within_5,
        quality.within_10, quality.kendall_tau, 100 * quality.worst);
    return absl::OkStatus();
  }

  absl::Status Repeat(const Network& network) {
    std::vector<int64_t> medians;
    int noisy = 0;
    for (int i = 0; i < absl::GetFlag(FLAGS_repeats); ++i) {
      ASSIGN_OR_RETURN(const v1::Measurement measured,
                       device_->Measure(network.package, request_, stop_));
      medians.push_back(measured.median_ns());
      noisy += measured.verdict() == v1::MEASUREMENT_VERDICT_NOISY;
      std::printf("  %s\n", measured.ShortDebugString().c_str());
    }
    if (medians.empty()) return absl::OkStatus();
    const auto [low, high] =
        std::minmax_element(medians.begin(), medians.end());
    std::printf("%zu repeats: %.1f..%.1f us, range %.1f %%, %d noisy\n",
                medians.size(), *low / 1e3, *high / 1e3,
                100.0 * (*high - *low) / *low, noisy);
    return absl::OkStatus();
  }

  const arch::SearchSpace space_;
  const StopToken stop_;
  const std::unique_ptr<LatencyDevice> device_;
  const MeasureRequest request_;
  LatencyTable table_;
};

absl::Status Main() {
  ASSIGN_OR_RETURN(const Effort effort, EffortFlag());
  ASSIGN_OR_RETURN(arch::SearchSpace space, SpaceFlag());
  return SelfCheck(std::move(space), effort).Run();
}

}  // namespace
}  // namespace frostnas::latency

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Checks repeatability and prediction of latency on this machine.");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = frostnas::latency::Main();
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
