#include "nn/data/names.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::nn {
namespace {

struct Named {
  v1::DatasetKind kind;
  const char* name;
};
constexpr Named kKinds[] = {
    {v1::DATASET_KIND_SYNTHETIC, "synthetic"},
    {v1::DATASET_KIND_CIFAR10, "cifar10"},
    {v1::DATASET_KIND_CIFAR100, "cifar100"},
    {v1::DATASET_KIND_IDX, "idx"},
    {v1::DATASET_KIND_IMAGE_FOLDER, "image_folder"},
};

}  // namespace

std::string DatasetKindNames() {
  std::string names;
  for (const Named& named : kKinds) {
    absl::StrAppend(&names, names.empty() ? "" : "|", named.name);
  }
  return names;
}

absl::string_view DatasetKindName(v1::DatasetKind kind) {
  for (const Named& named : kKinds) {
    if (named.kind == kind) return named.name;
  }
  return "";
}

absl::StatusOr<v1::DatasetKind> ParseDatasetKind(absl::string_view name) {
  for (const Named& named : kKinds) {
    if (name == named.name) return named.kind;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown data set '", name, "'; it is one of ", DatasetKindNames()));
}

}  // namespace frostnas::nn
