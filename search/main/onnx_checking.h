// Re-executing a study's ONNX files in an ONNX Runtime, where there is one.
//
// Thread-compatible.
#ifndef FROSTNAS_SEARCH_MAIN_ONNX_CHECKING_H_
#define FROSTNAS_SEARCH_MAIN_ONNX_CHECKING_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/stop.h"
#include "deploy/onnx_runtime.h"
#include "proto/frostnas/v1/study.pb.h"
#include "search/report/outputs.h"

namespace frostnas::search {

// Images of the test split that a file is run on, the first ones.
inline constexpr int kOnnxCheckImages = 1000;

class OnnxChecking {
 public:
  // `file` is --onnx_runtime. When it is given and cannot be opened, an error
  // (OnnxRuntime::Load); without it a missing runtime is none, since the
  // product works without one. `stop` ends checks.
  static absl::StatusOr<OnnxChecking> Create(const std::string& file,
                                             const StopToken& stop);

  // Checks on the study's test split, by the study's threads; valid as long as
  // this is. Empty, with a line in the log that says why and what to do, when
  // there is no runtime or the data set is not on this machine.
  OnnxChecker CheckerOf(const v1::StudySpec& study) const;

 private:
  OnnxChecking(absl::StatusOr<std::unique_ptr<deploy::OnnxRuntime>> runtime,
               const StopToken& stop)
      : runtime_(std::move(runtime)), stop_(stop) {}

  absl::StatusOr<std::unique_ptr<deploy::OnnxRuntime>> runtime_;
  StopToken stop_;
};

}  // namespace frostnas::search

#endif  // FROSTNAS_SEARCH_MAIN_ONNX_CHECKING_H_
