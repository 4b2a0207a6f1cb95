#include "quant/programs/dataset_flags.h"

#include <cstdint>
#include <string>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "nn/data/names.h"

ABSL_FLAG(std::string, dataset, "synthetic",
          "synthetic (built in), cifar10, cifar100, idx or image_folder.");
ABSL_FLAG(std::string, data_dir, "",
          "Folder of the data set's files. Not needed for synthetic.");
ABSL_FLAG(int, train_images, 0,
          "Use the first N training images after the seeded shuffle. 0: all.");

namespace frostnas::quant {

absl::StatusOr<v1::DatasetSpec> DatasetFromFlags(uint64_t seed) {
  v1::DatasetSpec spec;
  ASSIGN_OR_RETURN(const v1::DatasetKind kind,
                   nn::ParseDatasetKind(absl::GetFlag(FLAGS_dataset)));
  spec.set_kind(kind);
  const std::string dir = absl::GetFlag(FLAGS_data_dir);
  if (kind != v1::DATASET_KIND_SYNTHETIC) {
    if (dir.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--data_dir: needed for --dataset ", absl::GetFlag(FLAGS_dataset)));
    }
    spec.set_data_dir(ResolveUserPath(dir));
  }
  spec.set_seed(seed);
  spec.set_train_images(absl::GetFlag(FLAGS_train_images));
  return spec;
}

}  // namespace frostnas::quant
