// The fixed networks that everything measured is compared with.
//
// What slows down a network that stays in the caches of a core is not what
// slows down one that does not: other guests of a machine share the last cache
// and the memory. So the reference is one whose input is of the size of the
// network's.
#ifndef FROSTNAS_LATENCY_REFERENCE_NETWORK_H_
#define FROSTNAS_LATENCY_REFERENCE_NETWORK_H_

#include "absl/status/status.h"
#include "proto/frostnas/v1/architecture.pb.h"

namespace frostnas::latency {

// Of the reference for networks with that input, pixels: kSmallReference below
// 64, else the same. 0, where it is not known, gives kSmallReference.
inline constexpr int kSmallReference = 32;
int ReferenceSizeFor(int input_size);

// A small network with the kinds of layers that spaces have. `size` is one that
// ReferenceSizeFor gives (CHECK). 11 million multiply-adds at kSmallReference
// and 22 million at 224. Changing it changes what full speed means.
v1::Architecture ReferenceArchitecture(int size);

// INVALID_ARGUMENT unless ReferenceArchitecture has one of that size, at most
// that of an architecture's input.
absl::Status CheckReferenceSize(int size);

}  // namespace frostnas::latency

#endif  // FROSTNAS_LATENCY_REFERENCE_NETWORK_H_
