// Checks this machine as a measuring device: how far repeated measurements of
// one package differ. (How well networks are predicted, `frostctl profile`
// tells.)
//
//   bazel run //latency:self_check -- --space /path/of/space.textproto
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "arch/space.h"
#include "arch/textproto.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "latency/host_device.h"
#include "latency/predict/space_networks.h"

ABSL_FLAG(std::string, space, "", "space to check with, a textproto file");
ABSL_FLAG(double, width, 0, "width multiplier; 0: the space's own");
ABSL_FLAG(int, input_size, 32, "height and width of the input, pixels");
ABSL_FLAG(std::string, effort, "quick", "smoke, quick or full");
ABSL_FLAG(int, repeats, 20, "measurements of one random network");

namespace frostnas::latency {
namespace {

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

absl::Status Repeat(const arch::SearchSpace& space, Effort effort) {
  Random random(1);
  ASSIGN_OR_RETURN(const SpaceNetwork network,
                   NetworkOf(space, space.RandomChoice(random)));
  const v1::Package package = RandomPackage(network, /*seed=*/1);
  const std::unique_ptr<LatencyDevice> device = CreateHostDevice(RealClock());
  std::printf("%s\n", device->Describe().ShortDebugString().c_str());
  const StopToken stop = StopOnSignals();
  std::vector<int64_t> medians;
  int noisy = 0;
  for (int i = 0; i < absl::GetFlag(FLAGS_repeats); ++i) {
    ASSIGN_OR_RETURN(const v1::Measurement measured,
                     device->Measure(package, {.effort = effort}, stop));
    medians.push_back(measured.median_ns());
    noisy += measured.verdict() == v1::MEASUREMENT_VERDICT_NOISY;
    std::printf("  %s\n", measured.ShortDebugString().c_str());
  }
  if (medians.empty()) return absl::OkStatus();
  const auto [low, high] = std::minmax_element(medians.begin(), medians.end());
  std::printf("%zu repeats: %.1f..%.1f us, range %.1f %%, %d noisy\n",
              medians.size(), *low / 1e3, *high / 1e3,
              100.0 * (*high - *low) / *low, noisy);
  return absl::OkStatus();
}

absl::Status Main() {
  ASSIGN_OR_RETURN(const Effort effort, EffortFlag());
  ASSIGN_OR_RETURN(const arch::SearchSpace space, SpaceFlag());
  return Repeat(space, effort);
}

}  // namespace
}  // namespace frostnas::latency

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Checks how well latencies repeat on this machine.");
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = frostnas::latency::Main();
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
