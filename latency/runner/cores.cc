#include "latency/runner/cores.h"

#include <sched.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"

namespace frostnas::latency {
namespace {

cpu_set_t Allowed() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof(allowed), &allowed);
  return allowed;
}

}  // namespace

int UsableCores() {
  const cpu_set_t allowed = Allowed();
  return CPU_COUNT(&allowed);
}

absl::Status StayOnCores(absl::Span<const int> cores) {
  if (cores.empty()) return absl::OkStatus();
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  for (int core : cores) {
    if (core < 0 || core >= CPU_SETSIZE) {
      return absl::InvalidArgumentError(
          absl::StrCat("core ", core, " is not in 0..", CPU_SETSIZE - 1));
    }
    CPU_SET(core, &wanted);
  }
  // The system passes over cores that are offline, unless all are.
  const bool set = sched_setaffinity(0, sizeof(wanted), &wanted) == 0;
  const cpu_set_t allowed = Allowed();
  if (!set || !CPU_EQUAL(&wanted, &allowed)) {
    return absl::UnavailableError(
        absl::StrCat("cannot stay on cores ", absl::StrJoin(cores, ","),
                     ": one is offline or not for this process"));
  }
  return absl::OkStatus();
}

}  // namespace frostnas::latency
