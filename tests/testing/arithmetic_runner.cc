#include "tests/testing/arithmetic_runner.h"

#include <memory>
#include <string>
#include <utility>

#include "search/testing/scripted_worker.h"

namespace frostnas {
namespace {

class ArithmeticRunner final : public workers::TaskRunner {
 public:
  explicit ArithmeticRunner(BeforeTask before) : before_(std::move(before)) {}

  absl::StatusOr<v1::TaskResult> Run(const v1::Task& task,
                                     workers::TaskContext& context) override {
    if (before_) {
      const absl::Status status = before_(task, context);
      if (!status.ok()) return status;
    }
    context.progress(0.5);
    return search::ArithmeticResult(
        task,
        {.get = [&](const std::string& d) { return context.client.GetBlob(d); },
         .put =
             [&](const std::string& b) { return context.client.PutBlob(b); }});
  }

 private:
  const BeforeTask before_;
};

}  // namespace

workers::Runners ArithmeticRunners(BeforeTask before) {
  workers::Runners runners;
  for (const v1::TaskKind kind : {v1::TASK_KIND_ACCURACY, v1::TASK_KIND_LATENCY,
                                  v1::TASK_KIND_PROFILE_OPS}) {
    runners[kind] = std::make_unique<ArithmeticRunner>(before);
  }
  return runners;
}

}  // namespace frostnas
