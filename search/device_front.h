// The front of a study on one of its devices, from its trials' measurements.
#ifndef FROSTNAS_SEARCH_DEVICE_FRONT_H_
#define FROSTNAS_SEARCH_DEVICE_FRONT_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/frostnas/v1/study.pb.h"
#include "search/pareto.h"

namespace frostnas::search {

// Trials that are measured on `device_id`, have an accuracy and meet every
// latency limit of the spec, in order.
std::vector<ObjectivePoint> AdmittedPoints(const v1::StudySpec& spec,
                                           absl::Span<const v1::Trial> trials,
                                           absl::string_view device_id);

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_DEVICE_FRONT_H_
