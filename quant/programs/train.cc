// train: trains one network to an INT8 package. See --help.

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "arch/presets.h"
#include "arch/space.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/program.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "nlohmann/json.hpp"
#include "nn/data/dataset.h"
#include "nn/data/flags/dataset_flags.h"
#include "nn/precision.h"
#include "nn/threads.h"
#include "quant/package.h"
#include "quant/qat_train.h"

ABSL_FLAG(std::string, arch, "frostnet_small",
          "A preset's name (frostctl describe lists them) or an Architecture "
          "textproto file.");
ABSL_FLAG(double, width, 0, "Width multiplier of a preset. 0: its own.");
ABSL_FLAG(std::string, mode, "qat",
          "qat: the last --qat_epochs of --epochs are quantization-aware. "
          "float: none is; ranges are measured at the end.");
ABSL_FLAG(int, epochs, 15, "Epochs in all.");
ABSL_FLAG(int, qat_epochs, -1,
          "Quantization-aware epochs of --mode qat. -1: 30 % of --epochs.");
ABSL_FLAG(int, batch, 64, "Images a step.");
ABSL_FLAG(std::string, optimizer, "muon", "muon, adamw, adam, rmsprop or sgd.");
ABSL_FLAG(double, learning_rate, 0,
          "Peak of the cosine schedule. 0: 0.02 with muon, 0.05 with sgd, "
          "0.015 with the others.");
ABSL_FLAG(double, weight_decay, -1,
          "Of dense weights. -1: 0.2 with muon and adamw, else 0.0001.");
ABSL_FLAG(std::string, precision, "mixed",
          "mixed: training keeps activations and gradients in 16 bits, and "
          "multiplies in bfloat16 where the processor has AMX; weights, sums "
          "and evaluation stay in single precision. float32: all does, and "
          "training takes longer.");
ABSL_FLAG(double, depthwise_weight_decay, 0,
          "Of depthwise weights, which have none otherwise: keeps their ranges "
          "small (weight regularisation of quantization-friendly networks).");
ABSL_FLAG(std::string, gradboost, "off",
          "Noise along the gradient in the quantization-aware epochs: off; "
          "corrected, as it is meant; published, as the released code computes "
          "it.");
ABSL_FLAG(std::string, observers, "stable",
          "Ranges in quantization-aware epochs: stable; published, as PyTorch "
          "has them: they follow slowly, and logits are clipped to them from "
          "the first step on.");
ABSL_FLAG(uint64_t, seed, 1, "Seed of everything random.");
ABSL_FLAG(int, threads, 0,
          "Compute threads. 0: all cores. Results repeat for one number.");
ABSL_FLAG(std::string, out, "train_out",
          "Folder for float.fnfp, model.fnpkg and train.json.");

namespace frostnas::quant {
namespace {

constexpr char kUsage[] =
    "train [flags]\n"
    "\n"
    "Trains a network, converts it to INT8 and evaluates it on the test\n"
    "split. Writes float.fnfp (weights), model.fnpkg (the INT8 package) and\n"
    "train.json to --out.\n";
constexpr int kProgressSteps = 1000;

absl::StatusOr<v1::Architecture> ArchitectureFromFlags(
    const v1::DatasetInfo& dataset) {
  arch::SpaceOverrides overrides = {.input_size = dataset.image_size(),
                                    .input_channels = dataset.channels(),
                                    .num_classes = dataset.classes()};
  const double width = absl::GetFlag(FLAGS_width);
  if (width != 0) overrides.width = width;
  return arch::LoadArchitecture(absl::GetFlag(FLAGS_arch), overrides);
}

// An optimizer with the rate and weight decay it trains best with.
struct OptimizerDefaults {
  absl::string_view name;
  nn::OptimizerKind kind;
  double learning_rate;
  double weight_decay;
};

absl::Status SetOptimizer(QatTrainOptions& options) {
  constexpr OptimizerDefaults kKnown[] = {
      {"sgd", nn::OptimizerKind::kSgd, 0.05, 1e-4},
      {"rmsprop", nn::OptimizerKind::kRmsprop, 0.015, 1e-4},
      {"adam", nn::OptimizerKind::kAdam, 0.015, 1e-4},
      {"adamw", nn::OptimizerKind::kAdamW, 0.015, 0.2},
      {"muon", nn::OptimizerKind::kMuon, 0.02, 0.2}};
  const std::string name = absl::GetFlag(FLAGS_optimizer);
  const auto found =
      std::find_if(std::begin(kKnown), std::end(kKnown),
                   [&](const auto& known) { return known.name == name; });
  if (found == std::end(kKnown)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--optimizer: \"", name,
                     "\" is not one of sgd, rmsprop, adam, adamw, muon"));
  }
  options.optimizer = found->kind;
  options.learning_rate = found->learning_rate;
  options.weight_decay = found->weight_decay;
  if (const double rate = absl::GetFlag(FLAGS_learning_rate); rate > 0) {
    options.learning_rate = rate;
  }
  if (const double decay = absl::GetFlag(FLAGS_weight_decay); decay >= 0) {
    options.weight_decay = decay;
  }
  return absl::OkStatus();
}

absl::Status SetPrecision(QatTrainOptions& options) {
  const std::string name = absl::GetFlag(FLAGS_precision);
  if (name != "mixed" && name != "float32") {
    return absl::InvalidArgumentError(absl::StrCat(
        "--precision: \"", name, "\" is neither mixed nor float32"));
  }
  options.precision =
      name == "float32" ? nn::Precision::kFloat32 : nn::Precision::kMixed;
  return absl::OkStatus();
}

absl::Status SetGradBoost(QatTrainOptions& options) {
  const std::string name = absl::GetFlag(FLAGS_gradboost);
  if (name == "off") {
    options.grad_boost = nn::GradBoostMode::kOff;
  } else if (name == "corrected") {
    options.grad_boost = nn::GradBoostMode::kCorrected;
  } else if (name == "published") {
    options.grad_boost = nn::GradBoostMode::kRepoExact;
  } else {
    return absl::InvalidArgumentError(absl::StrCat(
        "--gradboost: \"", name, "\" is not one of off, corrected, published"));
  }
  return absl::OkStatus();
}

absl::Status SetObservers(QatTrainOptions& options) {
  const std::string name = absl::GetFlag(FLAGS_observers);
  if (name == "published") {
    options.qat = PublishedQatOptions();
  } else if (name != "stable") {
    return absl::InvalidArgumentError(absl::StrCat(
        "--observers: \"", name, "\" is not one of stable, published"));
  }
  return absl::OkStatus();
}

absl::StatusOr<QatTrainOptions> TrainingFromFlags() {
  QatTrainOptions options;
  const std::string mode = absl::GetFlag(FLAGS_mode);
  const int epochs = absl::GetFlag(FLAGS_epochs);
  if (mode == "qat") {
    const int asked = absl::GetFlag(FLAGS_qat_epochs);
    options.qat_epochs = asked >= 0 ? asked : QatEpochsOf(epochs);
    options.float_epochs = epochs - options.qat_epochs;
    if (options.float_epochs < 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--qat_epochs: ", asked, " is more than --epochs ", epochs));
    }
  } else if (mode == "float") {
    options.float_epochs = epochs;
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("--mode: \"", mode, "\" is not one of qat, float"));
  }
  options.batch = absl::GetFlag(FLAGS_batch);
  RETURN_IF_ERROR(SetOptimizer(options));
  RETURN_IF_ERROR(SetPrecision(options));
  options.seed = absl::GetFlag(FLAGS_seed);
  options.depthwise_weight_decay = absl::GetFlag(FLAGS_depthwise_weight_decay);
  RETURN_IF_ERROR(SetGradBoost(options));
  RETURN_IF_ERROR(SetObservers(options));
  return options;
}

std::string ReportOf(const QatTrained& trained) {
  const double seconds = trained.train_seconds;
  const nlohmann::json report = {
      {"arch", absl::GetFlag(FLAGS_arch)},
      {"mode", absl::GetFlag(FLAGS_mode)},
      {"seed", absl::GetFlag(FLAGS_seed)},
      {"float_top1", trained.float_top1},
      {"fake_quant_top1", trained.fake_quant_top1},
      {"int8_top1", trained.int8_top1},
      {"int8_runtime", trained.int8_runtime},
      {"int8_kernels", trained.int8_kernels},
      {"images_per_s",
       seconds > 0 ? static_cast<double>(trained.images) / seconds : 0.0},
      {"train_s", seconds},
      {"epoch_loss", trained.epoch_loss}};
  return report.dump(2) + "\n";
}

absl::Status WriteOutputs(const std::string& out, const QatTrained& trained,
                          const v1::DatasetSpec& dataset) {
  v1::FloatNetwork weights = trained.weights;
  *weights.mutable_trained_on() = dataset;
  RETURN_IF_ERROR(WriteFileAtomic(JoinPath(out, "float.fnfp"),
                                  SerializeFloatNetwork(weights)));
  RETURN_IF_ERROR(WriteFileAtomic(JoinPath(out, "model.fnpkg"),
                                  SerializePackage(trained.package)));
  return WriteFileAtomic(JoinPath(out, "train.json"), ReportOf(trained));
}

// The data set is loaded and the folder made before anything long starts.
absl::Status Train() {
  if (absl::GetFlag(FLAGS_threads) > 0) {
    nn::SetComputeThreads(absl::GetFlag(FLAGS_threads));
  }
  ASSIGN_OR_RETURN(QatTrainOptions options, TrainingFromFlags());
  ASSIGN_OR_RETURN(v1::DatasetSpec spec, nn::DatasetFromFlags());
  spec.set_seed(absl::GetFlag(FLAGS_seed));
  const std::string out = ResolveUserPath(absl::GetFlag(FLAGS_out));
  RETURN_IF_ERROR(MakeDirs(out));
  options.stop = StopOnSignals();
  ASSIGN_OR_RETURN(const auto dataset, nn::LoadDataset(spec));
  ASSIGN_OR_RETURN(const v1::Architecture architecture,
                   ArchitectureFromFlags(dataset->info));
  Progress progress({.title = "train", .total = kProgressSteps}, RealClock(),
                    StderrOutput());
  int shown = 0;
  options.on_step = [&](const QatTrainProgress& step) {
    const int now = static_cast<int>(step.done * kProgressSteps);
    progress.Advance(
        now - shown,
        absl::StrFormat("epoch %d/%d, loss %.3f, top-1 %.3f", step.epoch + 1,
                        step.epochs, step.loss, step.top1));
    shown = now;
  };
  ASSIGN_OR_RETURN(const QatTrained trained,
                   TrainQat({architecture, *dataset}, options));
  progress.Finish();
  RETURN_IF_ERROR(WriteOutputs(out, trained, spec));
  absl::PrintF("float %.4f, fake quantized %.4f, INT8 %.4f (%s)\n",
               trained.float_top1, trained.fake_quant_top1, trained.int8_top1,
               trained.int8_runtime);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  EnsureEnvironment(argv, ComputeEnvironment());
  const ProgramInfo info = {
      .name = "train",
      .usage = kUsage,
      .flag_files = {"quant/programs/", "nn/data/flags/"}};
  const std::vector<std::string> rest = ParseProgram(argc, argv, info);
  if (!rest.empty()) {
    return ExitCode(info,
                    absl::InvalidArgumentError(absl::StrCat(
                        "unexpected argument \"", rest[0], "\"; see --help")));
  }
  return ExitCode(info, Train());
}

}  // namespace
}  // namespace frostnas::quant

int main(int argc, char** argv) { return frostnas::quant::Main(argc, argv); }
