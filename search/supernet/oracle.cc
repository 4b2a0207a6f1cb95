#include "search/supernet/oracle.h"

#include "arch/digest.h"
#include "base/status_macros.h"

namespace frostnas::search {

v1::Choice ChoiceOf(absl::Span<const int> path) {
  v1::Choice choice;
  choice.mutable_candidate()->Add(path.begin(), path.end());
  return choice;
}

const latency::ExpectedLatency& SupernetOracle::latency() const {
  return trainer_.inputs().latency;
}

absl::StatusOr<std::string> SupernetOracle::Digest(absl::Span<const int> path) {
  ASSIGN_OR_RETURN(const v1::Architecture architecture,
                   trainer_.inputs().space.ArchitectureOf(ChoiceOf(path)));
  return arch::ArchitectureDigest(architecture);
}

absl::StatusOr<bool> SupernetOracle::KeepsLimits(absl::Span<const int> path) {
  for (const DeviceLimit& limit : options_.limits) {
    if (limit.latency->Point(path) > limit.limit_ns) return false;
  }
  return true;
}

absl::StatusOr<double> SupernetOracle::Top1(absl::Span<const int> path) {
  RETURN_IF_ERROR(options_.before_work());
  return trainer_.Top1(Path(path.begin(), path.end()));
}

latency::SlotValues SupernetOracle::Logits() const {
  return trainer_.architecture().Logits();
}

absl::StatusOr<latency::SlotValues> SupernetOracle::LogitsForLimit(
    double limit_ns) {
  RETURN_IF_ERROR(options_.before_work());
  return trainer_.LogitsForLimit(Logits(), limit_ns, options_.limit_steps,
                                 limits_asked_++);
}

}  // namespace frostnas::search
