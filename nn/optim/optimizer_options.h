// What an optimizer's options may be, and their identity.
#ifndef FROSTNAS_NN_OPTIM_OPTIMIZER_OPTIONS_H_
#define FROSTNAS_NN_OPTIM_OPTIMIZER_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "nn/optim/optimizer.h"
#include "nn/parameter.h"

namespace frostnas::nn {

// GradBoost's beta where the optimizer has none of its own (methods.md 1.6).
inline constexpr double kBoostBeta = 0.9;

// INVALID_ARGUMENT: out of range, naming the option and its range.
absl::Status CheckOptions(const OptimizerOptions& options);

// All options in one line; equal for equal options only.
std::string OptionsText(const OptimizerOptions& options);

// The weight decay of a role (methods.md 1.5).
double DecayOf(const OptimizerOptions& options, ParameterRole role);

}  // namespace frostnas::nn

#endif  // FROSTNAS_NN_OPTIM_OPTIMIZER_OPTIONS_H_
