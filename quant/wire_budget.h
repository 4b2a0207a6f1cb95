// Bounds what parsing a message may cost before it is parsed.
//
// A few bytes can ask protobuf for a whole object: an empty submessage is two
// bytes on the wire and a hundred in memory. This walk over the wire format
// counts the objects (submessages and strings) a parse would make.
//
// Pure function; any thread.
#ifndef FROSTNAS_QUANT_WIRE_BUDGET_H_
#define FROSTNAS_QUANT_WIRE_BUDGET_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"

namespace frostnas::quant {

// DATA_LOSS: `bytes` is not a message of this type on the wire level.
// RESOURCE_EXHAUSTED: it has more than `max_objects` objects.
absl::Status CheckWireBudget(const google::protobuf::Descriptor* type,
                             absl::string_view bytes, int64_t max_objects);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_WIRE_BUDGET_H_
