#include "nn/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace frostnas::nn {
namespace {

double Cosine(const Schedule& schedule, int64_t step) {
  const double length = static_cast<double>(
      std::max<int64_t>(1, schedule.total_steps - schedule.warmup_steps));
  const double x = std::min(1.0, static_cast<double>(step) / length);
  return schedule.base_rate * (1 + std::cos(std::numbers::pi * x)) / 2;
}

double Stepped(const Schedule& schedule, int64_t step) {
  const double falls = static_cast<double>(step / schedule.decay_every);
  return schedule.base_rate * std::pow(schedule.decay_factor, falls);
}

}  // namespace

absl::Status CheckSchedule(const Schedule& schedule) {
  const auto refuse = [](absl::string_view field, absl::string_view range) {
    return absl::InvalidArgumentError(
        absl::StrCat("learning rate schedule: ", field, " must be ", range));
  };
  if (!(schedule.base_rate > 0) || !std::isfinite(schedule.base_rate)) {
    return refuse("base_rate", "positive");
  }
  if (!(schedule.final_rate >= 0 &&
        schedule.final_rate <= schedule.base_rate)) {
    return refuse("final_rate", "in [0, base_rate]");
  }
  if (schedule.total_steps < 1) return refuse("total_steps", "positive");
  if (schedule.warmup_steps < 0 ||
      schedule.warmup_steps > schedule.total_steps) {
    return refuse("warmup_steps", "in [0, total_steps]");
  }
  if (schedule.decay_every < 1) return refuse("decay_every", "positive");
  if (!(schedule.decay_factor > 0 && schedule.decay_factor <= 1)) {
    return refuse("decay_factor", "in (0, 1]");
  }
  return absl::OkStatus();
}

double LearningRate(const Schedule& schedule, int64_t step) {
  if (step < schedule.warmup_steps) {
    return schedule.base_rate * static_cast<double>(step + 1) /
           static_cast<double>(schedule.warmup_steps);
  }
  const int64_t since =
      std::min(step, schedule.total_steps) - schedule.warmup_steps;
  double rate = schedule.base_rate;
  if (schedule.kind == ScheduleKind::kCosine) rate = Cosine(schedule, since);
  if (schedule.kind == ScheduleKind::kStep) rate = Stepped(schedule, since);
  return std::max(rate, schedule.final_rate);
}

}  // namespace frostnas::nn
