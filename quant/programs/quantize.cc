// quantize: turns a trained float network into INT8 packages. See --help.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/program.h"
#include "base/progress.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "nn/data/dataset.h"
#include "nn/data/flags/dataset_flags.h"
#include "nn/threads.h"
#include "quant/methods/measured_method.h"
#include "quant/methods/method.h"
#include "quant/methods/network/fake_quant.h"
#include "quant/methods/network/folded_network.h"
#include "quant/methods/registry.h"
#include "quant/package.h"
#include "quant/programs/quantize_report.h"

ABSL_FLAG(std::string, model, "",
          "The float network: float.fnfp, as //quant:train writes it.");
ABSL_FLAG(
    std::string, method, "",
    "Methods, a comma list; each a name from above, or stages joined by "
    "+. Empty: cle+mse+bias_correction, or with compare all that are worth "
    "comparing.");
ABSL_FLAG(std::optional<int>, calibration_images, std::nullopt,
          "Training images that ranges are chosen on. Labels are not used. "
          "Without it: 512, or all where there are fewer.");
ABSL_FLAG(int, search_images, 0,
          "Validation images that searching methods choose on. 0: all.");
ABSL_FLAG(int, test_images, 0,
          "Test images that results are measured on. 0: all.");
ABSL_FLAG(double, max_accuracy_loss, 0.01,
          "What fixed_point may lose, as a share of the float network's "
          "accuracy on the search images: 0.01 is 1 %.");
ABSL_FLAG(std::string, weights, "per_channel",
          "per_channel: each output channel's weights have a scale of their "
          "own. per_tensor: all of a layer share one.");
ABSL_FLAG(int, weight_bits, 8,
          "Bits of weights, 2..8, in methods that do not choose them.");
ABSL_FLAG(int, activation_bits, 8,
          "Bits of layer outputs, 2..8, in methods that do not choose them.");
ABSL_FLAG(
    double, min_variance, 0,
    "Before folding, a channel whose batch norm has a variance below this "
    "gets the mean variance of its layer's others, so that it does not "
    "widen the range of them all; the float network changes with it.");
ABSL_FLAG(bool, rescale, false,
          "fat: equalise depthwise convolutions with what follows them first.");
ABSL_FLAG(int, epochs, 0, "Epochs of training methods. 0: the method's own.");
ABSL_FLAG(double, learning_rate, 0,
          "Peak rate of training methods. 0: the method's own.");
ABSL_FLAG(std::optional<uint64_t>, seed, std::nullopt,
          "Seed of everything random, also of the splits. Without it: that of "
          "the model's training.");
ABSL_FLAG(int, threads, 0,
          "Compute threads. 0: all cores. Results repeat for one number.");
ABSL_FLAG(std::string, out, "quantize_out",
          "Folder for METHOD/model.fnpkg, METHOD/report.json, "
          "METHOD/report.md and compare.json.");

namespace frostnas::quant {
namespace {

constexpr int64_t kMaxModelBytes = int64_t{513} << 20;
constexpr int kProgressSteps = 1000;
constexpr uint64_t kDefaultSeed = 1;
constexpr absl::string_view kDefaultMethod = "cle+mse+bias_correction";

std::string Usage() {
  std::string usage =
      "quantize [compare] --model float.fnfp [flags]\n"
      "\n"
      "Turns a trained float network into INT8 packages, one a method, and\n"
      "measures each on the test split with the integer executor. Ranges are\n"
      "chosen on training images, searches on validation images. `compare`\n"
      "runs all methods and writes compare.json as well. Methods:\n\n";
  for (const Stage& stage : AllStages()) {
    absl::StrAppend(&usage,
                    absl::StrFormat("  %-24s %s\n", stage.name, stage.what));
  }
  absl::StrAppend(&usage,
                  "\nStages are joined as in cle+mse+bias_correction. Without "
                  "ranges, minmax's are taken.\n");
  return usage;
}

// `status` as a message on --model's file.
absl::Status ModelError(const absl::Status& status) {
  return absl::Status(
      status.code() == absl::StatusCode::kDataLoss
          ? absl::StatusCode::kInvalidArgument
          : status.code(),
      absl::StrCat("--model ", absl::GetFlag(FLAGS_model), ": ",
                   status.message(),
                   "; give the float.fnfp that //quant:train writes"));
}

absl::StatusOr<v1::FloatNetwork> LoadModel() {
  const std::string flag = absl::GetFlag(FLAGS_model);
  if (flag.empty()) {
    return absl::InvalidArgumentError(
        "--model: give the float.fnfp that //quant:train has written");
  }
  const absl::StatusOr<std::string> bytes =
      ReadFile(ResolveUserPath(flag), kMaxModelBytes);
  if (!bytes.ok()) return ModelError(bytes.status());
  absl::StatusOr<v1::FloatNetwork> network = ParseFloatNetwork(*bytes);
  if (!network.ok()) return ModelError(network.status());
  return network;
}

absl::StatusOr<FoldedNetwork> FoldModel(const v1::FloatNetwork& network) {
  const double min_variance = absl::GetFlag(FLAGS_min_variance);
  if (!(min_variance >= 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--min_variance: ", min_variance, " is not 0 or a positive number"));
  }
  absl::StatusOr<FoldedNetwork> folded =
      Fold(network, {.min_variance = min_variance});
  if (!folded.ok()) return ModelError(folded.status());
  return folded;
}

absl::StatusOr<std::vector<Method>> MethodsFromFlags(bool compare) {
  std::vector<std::string> names;
  const std::string flag = absl::GetFlag(FLAGS_method);
  if (!flag.empty()) {
    names = absl::StrSplit(flag, ',');
  } else if (compare) {
    for (absl::string_view name : ComparedMethods()) names.emplace_back(name);
  } else {
    names.emplace_back(kDefaultMethod);
  }
  std::vector<Method> methods;
  for (const std::string& name : names) {
    const absl::StatusOr<Method> method = ParseMethod(name, AllStages());
    if (!method.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--method: ", method.status().message()));
    }
    methods.push_back(*method);
  }
  return methods;
}

absl::StatusOr<MethodOptions> OptionsFromFlags(uint64_t seed) {
  MethodOptions options;
  options.seed = seed;
  const std::string weights = absl::GetFlag(FLAGS_weights);
  if (weights != "per_channel" && weights != "per_tensor") {
    return absl::InvalidArgumentError(absl::StrCat(
        "--weights: \"", weights, "\" is neither per_channel nor per_tensor"));
  }
  options.weights = weights == "per_tensor" ? WeightGranularity::kPerTensor
                                            : WeightGranularity::kPerChannel;
  options.weight_bits = absl::GetFlag(FLAGS_weight_bits);
  options.activation_bits = absl::GetFlag(FLAGS_activation_bits);
  options.rescale = absl::GetFlag(FLAGS_rescale);
  options.max_accuracy_loss = absl::GetFlag(FLAGS_max_accuracy_loss);
  options.epochs = absl::GetFlag(FLAGS_epochs);
  options.learning_rate = absl::GetFlag(FLAGS_learning_rate);
  const absl::Status status = CheckOptions(options);
  if (status.ok()) return options;
  return absl::InvalidArgumentError(absl::StrCat("--", status.message()));
}

// The first `count` of `images`; 0: all, where `zero_is_all`.
absl::StatusOr<nn::ImageSet> FirstImages(const nn::ImageSet& images,
                                         absl::string_view flag, int count,
                                         bool zero_is_all) {
  if (count == 0 && zero_is_all) return images;
  if (count < 1 || count > images.count()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, ": ", count, " is not 1..", images.count(),
                     ", the number of images in that split"));
  }
  nn::ImageSet first;
  first.size = images.size;
  first.channels = images.channels;
  first.pixels.assign(images.pixels.begin(),
                      images.pixels.begin() + count * images.image_bytes());
  first.labels.assign(images.labels.begin(), images.labels.begin() + count);
  return first;
}

absl::Status CheckDatasetFits(const v1::DatasetInfo& dataset,
                              const FoldedNetwork& model) {
  const arch::FeatureShape& input = model.graph.input;
  if (dataset.image_size() == input.size &&
      dataset.channels() == input.channels &&
      dataset.classes() <= model.graph.num_classes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--dataset: it has ", dataset.image_size(), " px, ", dataset.channels(),
      " channels, ", dataset.classes(), " classes; --model takes ", input.size,
      " px, ", input.channels, " channels, ", model.graph.num_classes,
      " classes"));
}

// What the model was trained on, but for what the flags say.
absl::StatusOr<v1::DatasetSpec> DatasetOf(const v1::FloatNetwork& model) {
  ASSIGN_OR_RETURN(v1::DatasetSpec spec,
                   nn::DatasetFromFlags(model.trained_on()));
  const uint64_t seed =
      model.has_trained_on() ? model.trained_on().seed() : kDefaultSeed;
  spec.set_seed(absl::GetFlag(FLAGS_seed).value_or(seed));
  return spec;
}

// What everything is done on; the images of the data set that the flags ask
// for.
struct Work {
  FoldedNetwork model;
  nn::ImageSet calibration, search, train, test;
  std::string warning;  // empty: none
};

absl::StatusOr<Work> LoadWork(const v1::FloatNetwork& model,
                              const v1::DatasetSpec& spec) {
  Work work;
  ASSIGN_OR_RETURN(work.model, FoldModel(model));
  ASSIGN_OR_RETURN(const auto dataset, nn::LoadDataset(spec));
  RETURN_IF_ERROR(CheckDatasetFits(dataset->info, work.model));
  const int calibration_images =
      absl::GetFlag(FLAGS_calibration_images)
          .value_or(std::min<int64_t>(512, dataset->train.count()));
  ASSIGN_OR_RETURN(work.calibration,
                   FirstImages(dataset->train, "calibration_images",
                               calibration_images, false));
  ASSIGN_OR_RETURN(work.search,
                   FirstImages(dataset->val, "search_images",
                               absl::GetFlag(FLAGS_search_images), true));
  ASSIGN_OR_RETURN(work.test,
                   FirstImages(dataset->test, "test_images",
                               absl::GetFlag(FLAGS_test_images), true));
  work.train = dataset->train;
  if (work.model.dataset.sha256() != dataset->info.sha256()) {
    work.warning =
        "The data set or its splits are not those the model was trained with: "
        "images that are held out here may have been trained on. Leave out "
        "--dataset, --seed and --train_images to take those of its training.";
  }
  return work;
}

// A bar of its own for each method, from 0 to 1.
class ShareProgress {
 public:
  explicit ShareProgress(const std::string& title)
      : progress_({.title = title, .total = kProgressSteps}, RealClock(),
                  StderrOutput()) {}

  void Show(double done, const std::string& what) {
    const int now = static_cast<int>(done * kProgressSteps);
    progress_.Advance(std::max(0, now - shown_), what);
    shown_ = std::max(shown_, now);
  }

 private:
  Progress progress_;
  int shown_ = 0;
};

absl::StatusOr<double> MeasureFloat(const Work& work, const StopToken& stop) {
  ShareProgress progress("float");
  return FloatTop1(work.model, {work.test, stop, [&](double done) {
                                  progress.Show(done, "on the test images");
                                }});
}

class Quantizer {
 public:
  Quantizer(const Work& work, const MethodOptions& options, std::string out,
            StopToken stop)
      : work_(work),
        options_(options),
        out_(std::move(out)),
        stop_(std::move(stop)) {
    run_ = {.model = absl::GetFlag(FLAGS_model),
            .dataset = work.model.dataset.name(),
            .test_images = work.test.count(),
            .calibration_images = work.calibration.count(),
            .search_images = work.search.count(),
            .weights = absl::GetFlag(FLAGS_weights),
            .seed = options.seed};
  }

  // Runs them all, or until a stop; the first error is the result.
  absl::Status Run(const std::vector<Method>& methods) {
    ASSIGN_OR_RETURN(float_top1_, MeasureFloat(work_, stop_));
    absl::Status first_error;
    for (const Method& method : methods) {
      const absl::Status status = RunOne(method);
      first_error.Update(status);
      if (absl::IsCancelled(status)) break;
    }
    return first_error;
  }

  const QuantizeRun& run() const { return run_; }
  const std::vector<ComparedMethod>& done() const { return done_; }

 private:
  // Cancelled methods leave nothing.
  absl::Status RunOne(const Method& method) {
    absl::StatusOr<MeasuredMethod> measured = Measure(method);
    if (absl::IsCancelled(measured.status())) return measured.status();
    ComparedMethod compared;
    compared.report.method = method.name;
    compared.status = measured.status();
    if (measured.ok()) {
      if (!work_.warning.empty()) {
        measured->report.notes.push_back(work_.warning);
      }
      compared.report = measured->report;
      RETURN_IF_ERROR(Write(*measured));
    }
    done_.push_back(std::move(compared));
    return measured.status();
  }

  absl::StatusOr<MeasuredMethod> Measure(const Method& method) const {
    ShareProgress progress(method.name);
    const MethodInputs inputs = {
        work_.model,
        work_.calibration,
        work_.search,
        work_.train,
        options_,
        stop_,
        [&](double done, const auto& what) { progress.Show(done, what); }};
    absl::StatusOr<MeasuredMethod> measured =
        MeasureMethod(method, inputs, {work_.test, float_top1_});
    if (measured.ok()) progress.Show(1, "measured");
    return measured;
  }

  absl::Status Write(const MeasuredMethod& measured) const {
    const std::string dir = JoinPath(out_, measured.report.method);
    RETURN_IF_ERROR(MakeDirs(dir));
    RETURN_IF_ERROR(WriteFileAtomic(JoinPath(dir, "model.fnpkg"),
                                    SerializePackage(measured.package)));
    RETURN_IF_ERROR(WriteFileAtomic(JoinPath(dir, "report.md"),
                                    ReportText(run_, measured.report)));
    return WriteFileAtomic(JoinPath(dir, "report.json"),
                           ReportJson(run_, measured.report));
  }

  const Work& work_;
  const MethodOptions options_;
  const std::string out_;
  const StopToken stop_;
  QuantizeRun run_;
  double float_top1_ = 0;
  std::vector<ComparedMethod> done_;
};

// Flags are checked, the data set loaded and the folder made before anything
// long starts. What was finished is printed and written whatever happens.
absl::Status QuantizeModel(bool compare) {
  if (absl::GetFlag(FLAGS_threads) > 0) {
    nn::SetComputeThreads(absl::GetFlag(FLAGS_threads));
  }
  ASSIGN_OR_RETURN(const std::vector<Method> methods,
                   MethodsFromFlags(compare));
  ASSIGN_OR_RETURN(const v1::FloatNetwork model, LoadModel());
  ASSIGN_OR_RETURN(const v1::DatasetSpec dataset, DatasetOf(model));
  ASSIGN_OR_RETURN(const MethodOptions options,
                   OptionsFromFlags(dataset.seed()));
  const std::string out = ResolveUserPath(absl::GetFlag(FLAGS_out));
  RETURN_IF_ERROR(MakeDirs(out));
  const StopToken stop = StopOnSignals();
  ASSIGN_OR_RETURN(const Work work, LoadWork(model, dataset));
  if (!work.warning.empty()) absl::FPrintF(stderr, "%s\n", work.warning);
  Quantizer quantizer(work, options, out, stop);
  const absl::Status status = quantizer.Run(methods);
  if (!quantizer.done().empty()) {
    absl::PrintF("%s", CompareTable(quantizer.done()));
    if (compare) {
      RETURN_IF_ERROR(
          WriteFileAtomic(JoinPath(out, "compare.json"),
                          CompareJson(quantizer.run(), quantizer.done())));
    }
  }
  return status;
}

int Main(int argc, char** argv) {
  EnsureEnvironment(argv, ComputeEnvironment());
  const ProgramInfo info = {
      .name = "quantize",
      .usage = Usage(),
      .flag_files = {"quant/programs/", "nn/data/flags/"}};
  const std::vector<std::string> rest = ParseProgram(argc, argv, info);
  const bool compare = rest.size() == 1 && rest[0] == "compare";
  if (!rest.empty() && !compare) {
    return ExitCode(info, absl::InvalidArgumentError(absl::StrCat(
                              "unexpected argument \"", rest.back(),
                              "\"; only compare is known, see --help")));
  }
  return ExitCode(info, QuantizeModel(compare));
}

}  // namespace
}  // namespace frostnas::quant

int main(int argc, char** argv) { return frostnas::quant::Main(argc, argv); }
