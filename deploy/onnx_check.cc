#include "deploy/onnx_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "arch/graph.h"
#include "base/status_macros.h"
#include "deploy/onnx_export.h"
#include "deploy/planes.h"
#include "quant/executor.h"
#include "quant/package.h"

namespace frostnas::deploy {
namespace {

constexpr int64_t kBatch = 64;

// Sums over batches of logits.
class Comparison {
 public:
  Comparison(int64_t classes, float step) : classes_(classes), step_(step) {}

  void Add(absl::Span<const float> expected, absl::Span<const float> actual) {
    for (size_t i = 0; i < expected.size(); ++i) {
      // What is not a number is as far off as can be.
      const double diff = std::isnan(actual[i])
                              ? std::numeric_limits<double>::infinity()
                              : std::abs(expected[i] - actual[i]);
      largest_ = std::max(largest_, diff);
      // Halfway to two steps: both sides are rounded products of the step.
      near_ += diff < 1.5 * step_ ? 1 : 0;
    }
    logits_ += static_cast<int64_t>(expected.size());
    for (size_t at = 0; at < expected.size(); at += classes_) {
      ++images_;
      same_ += Largest(expected.subspan(at, classes_)) ==
               Largest(actual.subspan(at, classes_));
    }
  }

  ExportCheck Result() const {
    return {.images = images_,
            .top1_agreement = static_cast<double>(same_) / images_,
            .max_abs_logit_diff = largest_,
            .within_one_step = static_cast<double>(near_) / logits_};
  }

 private:
  static int64_t Largest(absl::Span<const float> logits) {
    return std::max_element(logits.begin(), logits.end()) - logits.begin();
  }

  const int64_t classes_;
  const double step_;
  int64_t images_ = 0, same_ = 0;
  int64_t logits_ = 0, near_ = 0;
  double largest_ = 0;
};

}  // namespace

absl::StatusOr<ExportCheck> CheckOnnx(const v1::Package& package,
                                      absl::string_view model,
                                      absl::Span<const uint8_t> pixels,
                                      OnnxRuntime& runtime,
                                      const OnnxCheckOptions& options) {
  ASSIGN_OR_RETURN(const arch::Graph graph, quant::ValidatePackage(package));
  const int64_t image_bytes = static_cast<int64_t>(graph.input.size) *
                              graph.input.size * graph.input.channels;
  if (pixels.empty() || pixels.size() % image_bytes != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(pixels.size(), " pixel values are not images of ",
                     image_bytes, " each"));
  }
  ASSIGN_OR_RETURN(const auto executor, quant::CreateOnednnExecutor(package));
  ASSIGN_OR_RETURN(const auto session,
                   runtime.Open(model, {.threads = options.threads}));
  Comparison comparison(graph.num_classes,
                        package.layers().rbegin()->output().scale());
  std::vector<float> expected;
  for (size_t at = 0; at < pixels.size(); at += kBatch * image_bytes) {
    RETURN_IF_ERROR(options.stop.Check());
    const auto batch = pixels.subspan(at, kBatch * image_bytes);
    const int64_t count = static_cast<int64_t>(batch.size()) / image_bytes;
    expected.resize(count * graph.num_classes);
    executor->Run(batch, static_cast<int>(count), absl::MakeSpan(expected));
    ASSIGN_OR_RETURN(
        const OnnxTensor actual,
        session->Run(kOnnxInput, ToPlanes(batch, graph.input), kOnnxOutput));
    if (actual.values.size() != expected.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the exported model gives ", actual.values.size(), " logits for ",
          count, " images of ", graph.num_classes, " classes"));
    }
    comparison.Add(expected, actual.values);
  }
  ExportCheck check = comparison.Result();
  check.runtime = absl::StrCat("ONNX Runtime ", runtime.version());
  return check;
}

}  // namespace frostnas::deploy
