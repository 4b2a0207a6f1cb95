// Reading, writing and checking packages and float networks (package.proto).
//
// Bytes may come from anywhere: every size, shape, range and digest is checked
// before it is used, and memory is bounded by the file's own size.
// DATA_LOSS: not such a file, truncated, or the digest differs.
// INVALID_ARGUMENT: a field's value, naming the layer. FAILED_PRECONDITION: a
// format version newer than this build.
#ifndef FROSTNAS_QUANT_PACKAGE_H_
#define FROSTNAS_QUANT_PACKAGE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "arch/graph.h"
#include "proto/frostnas/v1/dataset.pb.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/quantized_graph.h"

namespace frostnas::quant {

// A package of `quantized`, whose graph `architecture` expands to, with the
// data set's normalisation as input transform; fake_quant_top1 is unknown.
// INVALID_ARGUMENT: they do not fit together.
absl::StatusOr<v1::Package> MakePackage(QuantizedGraph quantized,
                                        const v1::Architecture& architecture,
                                        const v1::DatasetInfo& dataset);

// Both set format_version.
std::string SerializePackage(const v1::Package& package);
absl::StatusOr<v1::Package> ParsePackage(absl::string_view bytes);

std::string SerializeFloatNetwork(const v1::FloatNetwork& network);
absl::StatusOr<v1::FloatNetwork> ParseFloatNetwork(absl::string_view bytes);

// What `package` runs, without its input transform. INVALID_ARGUMENT: see
// ValidatePackage.
absl::StatusOr<QuantizedGraph> QuantizedGraphOf(const v1::Package& package);

// Checks every layer against the graph its architecture expands to and returns
// that graph.
absl::StatusOr<arch::Graph> ValidatePackage(const v1::Package& package);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_PACKAGE_H_
