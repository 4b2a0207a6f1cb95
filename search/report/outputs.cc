#include "search/report/outputs.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "deploy/onnx_export.h"
#include "quant/package.h"
#include "search/report/html.h"
#include "search/report/pareto_json.h"

namespace frostnas::search {
namespace {

constexpr char kPackageSuffix[] = ".fnpkg";
constexpr char kOnnxSuffix[] = ".onnx";

absl::Status RemoveModels(const std::string& models) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDir(models));
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, kPackageSuffix) &&
        !absl::EndsWith(name, kOnnxSuffix)) {
      continue;
    }
    RETURN_IF_ERROR(RemoveFile(JoinPath(models, name)));
  }
  return absl::OkStatus();
}

// File names and contents.
using Models = std::map<std::string, std::string>;

absl::StatusOr<OnnxExport> CheckExport(const v1::Package& package,
                                       const std::string& model,
                                       const OnnxChecker& check) {
  OnnxExport exported;
  if (check == nullptr) return exported;
  const auto checked = check(package, model);
  if (absl::IsCancelled(checked.status())) return checked.status();
  if (checked.ok()) {
    exported.check = *checked;
  } else {
    exported.check_error = std::string(checked.status().message());
  }
  return exported;
}

// Adds a trial's ONNX file to `models` and what is known of it to `report`.
absl::Status AddOnnx(int trial_id, const std::string& package_bytes,
                     const OnnxChecker& check, StudyReport& report,
                     Models& models) {
  const auto package = quant::ParsePackage(package_bytes);
  const auto model = package.ok()
                         ? deploy::ExportOnnx(*package)
                         : absl::StatusOr<std::string>(package.status());
  if (!model.ok()) {
    LOG(WARNING) << "trial " << trial_id
                 << " has no ONNX file: " << model.status().message();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(OnnxExport exported, CheckExport(*package, *model, check));
  if (!exported.check_error.empty()) {
    LOG(WARNING) << "trial " << trial_id
                 << ": its ONNX file fails: " << exported.check_error;
  }
  models[absl::StrCat(trial_id, kOnnxSuffix)] = *model;
  report.onnx[trial_id] = std::move(exported);
  return absl::OkStatus();
}

// The front's files; `report` is told of those in other forms than packages.
absl::StatusOr<Models> LoadModels(db::BlobStore& blobs,
                                  const OnnxChecker& check,
                                  StudyReport& report) {
  Models models;
  report.onnx.clear();
  for (const v1::Trial* trial : FrontByLatency(report)) {
    ASSIGN_OR_RETURN(std::string package, blobs.Get(trial->package_sha256()));
    RETURN_IF_ERROR(AddOnnx(trial->id(), package, check, report, models));
    models[absl::StrCat(trial->id(), kPackageSuffix)] = std::move(package);
  }
  return models;
}

absl::Status WriteModels(const Models& contents, const std::string& models) {
  RETURN_IF_ERROR(MakeDirs(models));
  RETURN_IF_ERROR(RemoveModels(models));
  for (const auto& [name, model] : contents) {
    RETURN_IF_ERROR(WriteFileAtomic(JoinPath(models, name), model));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteOutputs(StudyReport report, db::BlobStore& blobs,
                          const OnnxChecker& check, const std::string& dir) {
  if (FrontByLatency(report).empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("study ", report.study.id(), " has no front to write"));
  }
  // Everything that can fail is made before the first file is replaced.
  ASSIGN_OR_RETURN(const Models models, LoadModels(blobs, check, report));
  ASSIGN_OR_RETURN(const nlohmann::ordered_json pareto, ParetoJson(report));
  ASSIGN_OR_RETURN(const std::string html, ReportHtml(report));
  RETURN_IF_ERROR(MakeDirs(dir));
  const std::string pareto_path = JoinPath(dir, "pareto.json");
  if (FileExists(pareto_path)) RETURN_IF_ERROR(RemoveFile(pareto_path));
  RETURN_IF_ERROR(WriteModels(models, JoinPath(dir, "models")));
  RETURN_IF_ERROR(WriteFileAtomic(JoinPath(dir, "report.html"), html));
  return WriteFileAtomic(pareto_path, JsonText(pareto, 2) + "\n");
}

}  // namespace frostnas::search
