// The identity of a network: SHA-256 of what it expands to.
//
// Names are not part of it, nor is anything that leaves no trace in the layers:
// a frost block whose squeeze is left out is the same network whatever its
// reduction, and the same as an inverted residual with ReLU. Dropout is part of
// it, since it changes what training gives. Thread-safe.
#ifndef FROSTNAS_ARCH_DIGEST_H_
#define FROSTNAS_ARCH_DIGEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "arch/graph.h"
#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::arch {

// One line for the input and one a layer, readable; equal for equal networks
// only. It starts with a version, so that a later form gives other digests.
std::string CanonicalForm(const Graph& graph);

// SHA-256 of the canonical form, 64 lower-case hexadecimal digits.
std::string GraphDigest(const Graph& graph);

// The same of what `architecture` expands to; INVALID_ARGUMENT as
// ExpandArchitecture.
absl::StatusOr<std::string> ArchitectureDigest(
    const v1::Architecture& architecture);

}  // namespace frostnas::arch

#endif  // FROSTNAS_ARCH_DIGEST_H_
