// Learning rates: pure functions of the step, so a resumed run needs no state.
//
// A linear warm-up from 0 to the base rate over `warmup_steps` (the first step
// has 1 / warmup_steps of it, since a rate of 0 would waste it), then
//   kConstant  base
//   kCosine    base * (1 + cos(pi x)) / 2, x from 0 to 1 over the rest
//   kStep      base * decay_factor ^ floor(steps since warm-up / decay_every)
// never below `final_rate`. Steps past the end keep the end's rate.
//
// Thread-safe.
#ifndef FROSTNAS_NN_OPTIM_SCHEDULE_H_
#define FROSTNAS_NN_OPTIM_SCHEDULE_H_

#include <cstdint>

#include "absl/status/status.h"

namespace frostnas::nn {

enum class ScheduleKind { kConstant, kCosine, kStep };

struct Schedule {
  ScheduleKind kind = ScheduleKind::kCosine;
  double base_rate = 0.1;
  double final_rate = 0;
  int64_t total_steps = 1;
  int64_t warmup_steps = 0;
  int64_t decay_every = 1;     // steps; kStep
  double decay_factor = 0.97;  // kStep
};

// INVALID_ARGUMENT: a field out of range, naming it.
absl::Status CheckSchedule(const Schedule& schedule);

// The rate of `step`, 0 <= step.
double LearningRate(const Schedule& schedule, int64_t step);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_OPTIM_SCHEDULE_H_
