// A network's parameters and state as named tensors, and back.
#ifndef FROSTNAS_NN_NETWORK_FILES_H_
#define FROSTNAS_NN_NETWORK_FILES_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "nn/parameter.h"
#include "proto/frostnas/v1/package.pb.h"

namespace frostnas::nn {

// Appends one tensor each. Little endian.
void SaveTensors(absl::Span<Parameter* const> parameters,
                 absl::Span<StateBuffer* const> state, v1::FloatNetwork& to);

// As Network::Load. Nothing is changed unless everything fits. Step counters
// (".step") may be missing although `require_all`: only resuming needs them.
absl::Status LoadTensors(const v1::FloatNetwork& from, bool require_all,
                         absl::Span<Parameter* const> parameters,
                         absl::Span<StateBuffer* const> state);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_NETWORK_FILES_H_
