// The scripted worker's arithmetic as runners of a real worker.
#ifndef FROSTNAS_TESTS_TESTING_ARITHMETIC_RUNNER_H_
#define FROSTNAS_TESTS_TESTING_ARITHMETIC_RUNNER_H_

#include <functional>

#include "workers/task_runner.h"
#include "workers/worker.h"

namespace frostnas {

// Called before each task is done; an error is the task's.
using BeforeTask =
    std::function<absl::Status(const v1::Task&, workers::TaskContext&)>;

// Runners of every role; blobs go through the worker's connection.
workers::Runners ArithmeticRunners(BeforeTask before = nullptr);

}  // namespace frostnas

#endif  // FROSTNAS_TESTS_TESTING_ARITHMETIC_RUNNER_H_
