// The data set of the last task, kept for the next one.
//
// Thread-compatible.
#ifndef FROSTNAS_WORKERS_TASKS_DATASET_CACHE_H_
#define FROSTNAS_WORKERS_TASKS_DATASET_CACHE_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "nn/data/dataset.h"
#include "proto/frostnas/v1/dataset.pb.h"

namespace frostnas::workers {

class DatasetCache {
 public:
  // `data_dir` replaces that of specs where it is not empty.
  explicit DatasetCache(std::string data_dir)
      : data_dir_(std::move(data_dir)) {}

  // Valid until the next call. Codes as nn::LoadDataset.
  absl::StatusOr<const nn::Dataset*> Get(v1::DatasetSpec spec);

 private:
  const std::string data_dir_;
  std::string loaded_;  // the spec behind dataset_, serialized
  std::unique_ptr<const nn::Dataset> dataset_;
};

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_TASKS_DATASET_CACHE_H_
