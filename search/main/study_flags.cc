#include "search/main/study_flags.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "arch/space.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "latency/device.h"
#include "nn/data/dataset.h"
#include "nn/data/flags/dataset_flags.h"
#include "search/presets.h"
#include "search/spaces/spaces.h"
#include "search/study_spec.h"

ABSL_FLAG(std::string, space, "frost",
          "What is searched: frost, frost_block, mobilenetv2, qf_mobilenetv1, "
          "or a Space textproto file.");
ABSL_FLAG(double, width, 0, "Width multiplier of the space. 0: the preset's.");
ABSL_FLAG(std::string, preset, "quick",
          "How much work: smoke (about a minute), quick (about 10 minutes), "
          "full (about 90 minutes), on two cores.");
ABSL_FLAG(std::vector<std::string>, device, {"host"},
          "Where latency is measured: host, adb:SERIAL, or table:FILE to look "
          "it up in a saved table. Repeatable, or a comma list; the front is "
          "selected on the first.");
ABSL_FLAG(std::vector<std::string>, latency_limit_ms, {},
          "DEVICE=MS: networks slower than this are not on the front. "
          "Repeatable, or a comma list.");
ABSL_FLAG(double, sustained_s, 0,
          "Seconds of load without a pause after the last measurement of each "
          "finalist, for its latency on a device that has become warm. 0: "
          "none.");
ABSL_FLAG(std::string, strategy, "proxyless",
          "proxyless (binarised gates), gumbel (Gumbel-softmax), random or "
          "evolution.");
ABSL_FLAG(uint64_t, seed, 1, "Seed of everything random.");
ABSL_FLAG(int, threads, 0,
          "Threads of training and INT8 evaluation, 1..64. 0: all cores. "
          "Results repeat for one number of threads. profile: threads of the "
          "network measured; 0: one.");
ABSL_FLAG(std::string, name, "", "A name for the study, for people.");

namespace frostnas::search {
namespace {

absl::StatusOr<v1::Strategy> ParseStrategy(const std::string& name) {
  if (name == "proxyless") return v1::STRATEGY_PROXYLESS;
  if (name == "gumbel") return v1::STRATEGY_GUMBEL;
  if (name == "random") return v1::STRATEGY_RANDOM;
  if (name == "evolution") return v1::STRATEGY_EVOLUTION;
  return absl::InvalidArgumentError(
      absl::StrCat("--strategy: \"", name,
                   "\" is not one of proxyless, gumbel, random, evolution"));
}

// Absolute, since a worker may run elsewhere on this machine.
std::string AbsolutePath(const std::string& path) {
  return std::filesystem::absolute(ResolveUserPath(path))
      .lexically_normal()
      .string();
}

absl::StatusOr<v1::DatasetSpec> StudyDataset(const Preset& preset) {
  ASSIGN_OR_RETURN(v1::DatasetSpec spec, nn::DatasetFromFlags());
  spec.set_seed(absl::GetFlag(FLAGS_seed));
  if (spec.train_images() == 0) spec.set_train_images(preset.train_images);
  spec.set_test_images(preset.test_images);
  return spec;
}

absl::StatusOr<v1::Space> SpaceFromFlags(const v1::DatasetInfo& dataset,
                                         const Preset& preset) {
  arch::SpaceOverrides overrides = ShapeOverridesFromFlags();
  if (!overrides.width.has_value()) overrides.width = preset.width;
  overrides.input_size = dataset.image_size();
  overrides.input_channels = dataset.channels();
  overrides.num_classes = dataset.classes();
  ASSIGN_OR_RETURN(const arch::SearchSpace space,
                   LoadSpace(absl::GetFlag(FLAGS_space), overrides));
  return space.spec();
}

absl::Status AddDevices(v1::StudySpec& spec) {
  for (const std::string& text : absl::GetFlag(FLAGS_device)) {
    ASSIGN_OR_RETURN(const latency::DeviceId id, latency::ParseDeviceId(text));
    spec.add_devices(id.kind == latency::DeviceKind::kTable
                         ? absl::StrCat("table:", AbsolutePath(id.argument))
                         : text);
  }
  return absl::OkStatus();
}

// A limit's device as the study names it: table paths are made absolute.
std::string StudyDevice(const std::string& text) {
  constexpr absl::string_view kTable = "table:";
  if (!absl::StartsWith(text, kTable)) return text;
  return absl::StrCat(kTable, AbsolutePath(text.substr(kTable.size())));
}

absl::Status AddLatencyLimits(v1::StudySpec& spec) {
  for (const std::string& text : absl::GetFlag(FLAGS_latency_limit_ms)) {
    const size_t equals = text.rfind('=');
    double ms = 0;
    if (equals == std::string::npos ||
        !absl::SimpleAtod(text.substr(equals + 1), &ms) || !(ms > 0) ||
        ms > 1e6) {
      return absl::InvalidArgumentError(
          absl::StrCat("--latency_limit_ms: \"", text,
                       "\" is not DEVICE=MS with MS above 0, e.g. host=2.5"));
    }
    v1::LatencyLimit& limit = *spec.add_latency_limits();
    limit.set_device_id(StudyDevice(text.substr(0, equals)));
    limit.set_limit_ns(static_cast<int64_t>(ms * 1e6));
  }
  return absl::OkStatus();
}

int ThreadsFromFlags() {
  const int threads = absl::GetFlag(FLAGS_threads);
  if (threads != 0) return threads;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1,
                    64);
}

}  // namespace

absl::StatusOr<v1::StudySpec> StudySpecFromFlags() {
  v1::StudySpec spec;
  spec.set_display_name(absl::GetFlag(FLAGS_name));
  // What needs no file comes first, so that a typo is told at once.
  ASSIGN_OR_RETURN(const Preset preset,
                   FindPreset(absl::GetFlag(FLAGS_preset)));
  *spec.mutable_budget() = preset.budget;
  ASSIGN_OR_RETURN(const v1::Strategy strategy,
                   ParseStrategy(absl::GetFlag(FLAGS_strategy)));
  spec.set_strategy(strategy);
  RETURN_IF_ERROR(LoadSpaceSpec(absl::GetFlag(FLAGS_space)).status());
  RETURN_IF_ERROR(AddDevices(spec));
  RETURN_IF_ERROR(AddLatencyLimits(spec));
  spec.set_seed(absl::GetFlag(FLAGS_seed));
  spec.set_threads(ThreadsFromFlags());
  spec.set_sustained_s(absl::GetFlag(FLAGS_sustained_s));
  ASSIGN_OR_RETURN(*spec.mutable_dataset(), StudyDataset(preset));
  // The data set decides input size, channels and classes of the space, and a
  // file at fault should be told before anything starts.
  ASSIGN_OR_RETURN(const auto dataset, nn::LoadDataset(spec.dataset()));
  ASSIGN_OR_RETURN(*spec.mutable_space(),
                   SpaceFromFlags(dataset->info, preset));
  RETURN_IF_ERROR(ValidateStudySpec(spec));
  return spec;
}

arch::SpaceOverrides ShapeOverridesFromFlags() {
  arch::SpaceOverrides overrides;
  if (const double width = absl::GetFlag(FLAGS_width); width != 0) {
    overrides.width = width;
  }
  if (const int size = absl::GetFlag(FLAGS_input_size); size != 0) {
    overrides.input_size = size;
  }
  return overrides;
}

const std::vector<std::string>& RepeatableStudyFlags() {
  static const auto* const kNames =
      new std::vector<std::string>{"device", "latency_limit_ms"};
  return *kNames;
}

}  // namespace frostnas::search
