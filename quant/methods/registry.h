// Which methods there are.
//
// Constant; any thread.
#ifndef FROSTNAS_QUANT_METHODS_REGISTRY_H_
#define FROSTNAS_QUANT_METHODS_REGISTRY_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "quant/methods/method.h"

namespace frostnas::quant {

// Each is a method by itself, too.
absl::Span<const Stage> AllStages();

// Names of methods worth comparing, the plainest first: every stage, and
// combinations that are more than their parts.
absl::Span<const absl::string_view> ComparedMethods();

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_REGISTRY_H_
