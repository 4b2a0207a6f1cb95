// export: writes a package as an ONNX file and checks it. See --help.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "base/file.h"
#include "base/program.h"
#include "base/status_macros.h"
#include "base/stop.h"
#include "deploy/onnx_check.h"
#include "deploy/onnx_export.h"
#include "deploy/onnx_fusion.h"
#include "deploy/onnx_runtime.h"
#include "nn/data/dataset.h"
#include "nn/data/names.h"
#include "nn/threads.h"
#include "quant/package.h"

ABSL_FLAG(std::string, package, "", "The .fnpkg file to export.");
ABSL_FLAG(std::string, out, "", "The ONNX file to write.");
ABSL_FLAG(std::string, check_dataset, "",
          "Also run the file in ONNX Runtime on this data set's test images "
          "and compare with our integer executor: synthetic, cifar10, "
          "cifar100, idx or image_folder.");
ABSL_FLAG(std::string, data_dir, "",
          "Folder of the data set's files. Not needed for synthetic.");
ABSL_FLAG(int, check_images, 0, "Test images to compare. 0: all.");
ABSL_FLAG(std::string, onnx_runtime, "",
          "The libonnxruntime.so to check with. Default: "
          "$FROSTNAS_ONNX_RUNTIME, then the system's.");
ABSL_FLAG(int, threads, 0, "Threads of the check, 1..64. 0: all cores.");

namespace frostnas::deploy {
namespace {

constexpr char kUsage[] =
    "export --package FILE.fnpkg --out FILE.onnx [flags]\n"
    "\n"
    "Writes an INT8 package as an ONNX file in QDQ form. With --check_dataset\n"
    "it then runs in ONNX Runtime, and agreement with our executor and the\n"
    "operators that ONNX Runtime fused are printed.\n";
constexpr int64_t kMaxPackageBytes = int64_t{512} << 20;

absl::StatusOr<std::string> PathFlag(const std::string& flag,
                                     const std::string& value) {
  if (!value.empty()) return ResolveUserPath(value);
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, ": needed; see --help"));
}

// The test images asked for, of the package's size.
absl::StatusOr<std::vector<uint8_t>> TestPixels(const v1::Package& package) {
  v1::DatasetSpec spec;
  ASSIGN_OR_RETURN(const v1::DatasetKind kind,
                   nn::ParseDatasetKind(absl::GetFlag(FLAGS_check_dataset)));
  spec.set_kind(kind);
  if (kind != v1::DATASET_KIND_SYNTHETIC) {
    ASSIGN_OR_RETURN(const std::string dir,
                     PathFlag("data_dir", absl::GetFlag(FLAGS_data_dir)));
    spec.set_data_dir(dir);
  }
  if (absl::GetFlag(FLAGS_check_images) < 0) {
    return absl::InvalidArgumentError("--check_images: must be >= 0");
  }
  spec.set_test_images(absl::GetFlag(FLAGS_check_images));
  spec.set_image_size(package.architecture().input_size());
  ASSIGN_OR_RETURN(const auto dataset, nn::LoadDataset(spec));
  if (dataset->test.channels != package.input().mean_size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--check_dataset: its images have ", dataset->test.channels,
        " channels; the package takes ", package.input().mean_size()));
  }
  return dataset->test.pixels;
}

void Print(const OnnxFusion& fusion) {
  for (const auto& [op, count] : fusion.operators) {
    absl::PrintF("%6d %s\n", count, op);
  }
  for (const std::string& node : fusion.in_floats) {
    absl::PrintF("in floats: %s\n", node);
  }
}

absl::Status Check(const v1::Package& package, const std::string& model) {
  ASSIGN_OR_RETURN(const auto runtime,
                   OnnxRuntime::Load(absl::GetFlag(FLAGS_onnx_runtime)));
  ASSIGN_OR_RETURN(const std::vector<uint8_t> pixels, TestPixels(package));
  if (absl::GetFlag(FLAGS_threads) > 0) {
    nn::SetComputeThreads(absl::GetFlag(FLAGS_threads));
  }
  ASSIGN_OR_RETURN(const OnnxFusion fusion, FusionBy(*runtime, model));
  Print(fusion);
  ASSIGN_OR_RETURN(
      const ExportCheck check,
      CheckOnnx(package, model, pixels, *runtime,
                {.threads = nn::ComputeThreads(), .stop = StopOnSignals()}));
  absl::PrintF(
      "%s, %d images: same top-1 on %.4f %%, within one step on %.4f %% of "
      "logits, largest difference %.6g\n",
      check.runtime, check.images, 100 * check.top1_agreement,
      100 * check.within_one_step, check.max_abs_logit_diff);
  return absl::OkStatus();
}

absl::Status Export() {
  ASSIGN_OR_RETURN(const std::string in,
                   PathFlag("package", absl::GetFlag(FLAGS_package)));
  ASSIGN_OR_RETURN(const std::string out,
                   PathFlag("out", absl::GetFlag(FLAGS_out)));
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(in, kMaxPackageBytes));
  const auto package = quant::ParsePackage(bytes);
  if (!package.ok()) {
    return absl::Status(package.status().code(),
                        absl::StrCat(in, ": ", package.status().message()));
  }
  ASSIGN_OR_RETURN(const std::string model, ExportOnnx(*package));
  RETURN_IF_ERROR(WriteFileAtomic(out, model));
  if (absl::GetFlag(FLAGS_check_dataset).empty()) return absl::OkStatus();
  return Check(*package, model);
}

int Main(int argc, char** argv) {
  EnsureEnvironment(argv, ComputeEnvironment());
  const ProgramInfo info = {
      .name = "export", .usage = kUsage, .flag_files = {"deploy/programs/"}};
  const std::vector<std::string> rest = ParseProgram(argc, argv, info);
  if (!rest.empty()) {
    return ExitCode(info,
                    absl::InvalidArgumentError(absl::StrCat(
                        "unexpected argument \"", rest[0], "\"; see --help")));
  }
  return ExitCode(info, Export());
}

}  // namespace
}  // namespace frostnas::deploy

int main(int argc, char** argv) { return frostnas::deploy::Main(argc, argv); }
