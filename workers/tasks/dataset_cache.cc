#include "workers/tasks/dataset_cache.h"

#include "base/status_macros.h"

namespace frostnas::workers {

absl::StatusOr<const nn::Dataset*> DatasetCache::Get(v1::DatasetSpec spec) {
  if (!data_dir_.empty()) spec.set_data_dir(data_dir_);
  const std::string key = spec.SerializeAsString();
  if (dataset_ == nullptr || key != loaded_) {
    dataset_ = nullptr;  // one at a time in memory
    ASSIGN_OR_RETURN(dataset_, nn::LoadDataset(spec));
    loaded_ = key;
  }
  return dataset_.get();
}

}  // namespace frostnas::workers
