// ACCURACY: inherit weights, train briefly under fake quantization, fold,
// convert, run the integers on the test split (quant/qat_train.h).
#ifndef FROSTNAS_WORKERS_TASKS_ACCURACY_H_
#define FROSTNAS_WORKERS_TASKS_ACCURACY_H_

#include <string>

#include "absl/status/statusor.h"
#include "workers/task_runner.h"
#include "workers/tasks/dataset_cache.h"

namespace frostnas::workers {

class AccuracyRunner : public TaskRunner {
 public:
  explicit AccuracyRunner(std::string data_dir)
      : datasets_(std::move(data_dir)) {}

  absl::StatusOr<v1::TaskResult> Run(const v1::Task& task,
                                     TaskContext& context) override;

 private:
  DatasetCache datasets_;
};

}  // namespace frostnas::workers

#endif  // FROSTNAS_WORKERS_TASKS_ACCURACY_H_
