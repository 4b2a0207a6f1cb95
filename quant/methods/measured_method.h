// A method from start to end: run, assembled to a package, and measured on the
// test images, which nothing before has seen.
//
//   ASSIGN_OR_RETURN(MeasuredMethod measured,
//                    MeasureMethod(method, inputs, {test, float_top1}));
//
// Errors as RunMethod, and INVALID_ARGUMENT for a plan that no package can
// hold. Thread-compatible.
#ifndef FROSTNAS_QUANT_METHODS_MEASURED_METHOD_H_
#define FROSTNAS_QUANT_METHODS_MEASURED_METHOD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nn/data/image_set.h"
#include "nn/quant_hooks.h"
#include "proto/frostnas/v1/package.pb.h"
#include "quant/methods/cost.h"
#include "quant/methods/method.h"

namespace frostnas::quant {

// What became of one layer.
struct LayerReport {
  std::string name;
  std::string kind;  // arch::LayerKindName
  LayerBits bits;
  int64_t weights = 0;
  int64_t outputs = 0;  // values of the output of one image
  // Of the weights, over output channels; 0 without weights.
  float least_weight_scale = 0;
  float largest_weight_scale = 0;
  nn::AffineGrid output;
  // On calibration images, see quant/methods/noise.h.
  double output_sqnr_db = 0;
  double weight_sqnr_db = 0;
  double outlier_ratio = 1;
};

struct MethodReport {
  std::string method;
  // Shares of the test images: of the float network, of the plan with float
  // arithmetic, and of the package in the integer executor.
  double float_top1 = 0;
  double fake_quant_top1 = 0;
  double int8_top1 = 0;
  std::string int8_runtime;  // Executor::description
  NetworkCost cost;
  NetworkCost eight_bit_cost;
  Saving saving;  // of the one against the other
  std::vector<LayerReport> layers;
  std::vector<std::string> notes;
  double seconds = 0;  // of the method alone
};

struct MeasuredMethod {
  v1::Package package;  // with fake_quant_top1
  MethodReport report;
};

// Not owned.
struct TestImages {
  const nn::ImageSet& images;
  double float_top1 = 0;  // of inputs.network on them (FloatTop1)
};

// Uses inputs.progress for the method and the measurements together.
absl::StatusOr<MeasuredMethod> MeasureMethod(const Method& method,
                                             const MethodInputs& inputs,
                                             const TestImages& test);

}  // namespace frostnas::quant

#endif  // FROSTNAS_QUANT_METHODS_MEASURED_METHOD_H_
