// Makes the file that a user's own runtime takes of a package. Formats are
// known to programs above this folder, so they pass functions.
#ifndef FROSTNAS_LATENCY_CUSTOM_MODEL_EXPORT_H_
#define FROSTNAS_LATENCY_CUSTOM_MODEL_EXPORT_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::latency {

using ModelExport =
    std::function<absl::StatusOr<std::string>(const v1::Package& package)>;

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_CUSTOM_MODEL_EXPORT_H_
