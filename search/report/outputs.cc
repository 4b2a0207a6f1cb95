#include "search/report/outputs.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "search/report/html.h"
#include "search/report/pareto_json.h"

namespace frostnas::search {
namespace {

constexpr char kPackageSuffix[] = ".fnpkg";

absl::Status RemovePackages(const std::string& models) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDir(models));
  for (const std::string& name : names) {
    if (!absl::EndsWith(name, kPackageSuffix)) continue;
    RETURN_IF_ERROR(RemoveFile(JoinPath(models, name)));
  }
  return absl::OkStatus();
}

// File names and contents.
using Packages = std::map<std::string, std::string>;

absl::StatusOr<Packages> LoadPackages(const StudyReport& report,
                                      db::BlobStore& blobs) {
  Packages packages;
  for (const v1::Trial* trial : FrontByLatency(report)) {
    ASSIGN_OR_RETURN(packages[absl::StrCat(trial->id(), kPackageSuffix)],
                     blobs.Get(trial->package_sha256()));
  }
  return packages;
}

absl::Status WriteModels(const Packages& packages, const std::string& models) {
  RETURN_IF_ERROR(MakeDirs(models));
  RETURN_IF_ERROR(RemovePackages(models));
  for (const auto& [name, package] : packages) {
    RETURN_IF_ERROR(WriteFileAtomic(JoinPath(models, name), package));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteOutputs(const StudyReport& report, db::BlobStore& blobs,
                          const std::string& dir) {
  if (FrontByLatency(report).empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("study ", report.study.id(), " has no front to write"));
  }
  // Everything that can fail is made before the first file is replaced.
  ASSIGN_OR_RETURN(const nlohmann::ordered_json pareto, ParetoJson(report));
  ASSIGN_OR_RETURN(const std::string html, ReportHtml(report));
  ASSIGN_OR_RETURN(const Packages packages, LoadPackages(report, blobs));
  RETURN_IF_ERROR(MakeDirs(dir));
  const std::string pareto_path = JoinPath(dir, "pareto.json");
  if (FileExists(pareto_path)) RETURN_IF_ERROR(RemoveFile(pareto_path));
  RETURN_IF_ERROR(WriteModels(packages, JoinPath(dir, "models")));
  RETURN_IF_ERROR(WriteFileAtomic(JoinPath(dir, "report.html"), html));
  return WriteFileAtomic(pareto_path, JsonText(pareto, 2) + "\n");
}

}  // namespace frostnas::search
