// ONNX Runtime, opened at run time: an independent reader of exported files.
// The product never links it and works without one.
//
//   ASSIGN_OR_RETURN(const auto runtime, OnnxRuntime::Load(""));
//   ASSIGN_OR_RETURN(const auto session, runtime->Open(model, {}));
//   ASSIGN_OR_RETURN(const OnnxTensor logits,
//                    session->Run("image", image, "logits"));
//
// Codes of everything but Load: INVALID_ARGUMENT: it refuses the model or the
// tensor; INTERNAL: it fails otherwise. Messages name its version.
//
// Thread-safe. A library once loaded stays until the process ends.
#ifndef FROSTNAS_DEPLOY_ONNX_RUNTIME_H_
#define FROSTNAS_DEPLOY_ONNX_RUNTIME_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace frostnas::deploy {

// Names the library where no --onnx_runtime does.
inline constexpr char kOnnxRuntimeVariable[] = "FROSTNAS_ONNX_RUNTIME";

// float32, outermost dimension first.
struct OnnxTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

struct OnnxSessionOptions {
  // Of one operator.
  int threads = 1;
  // Where the graph that it runs, after its own optimizations, is written as an
  // ONNX file; empty: nowhere.
  std::string optimized_model_file;
};

// A loaded model.
class OnnxSession {
 public:
  virtual ~OnnxSession() = default;

  virtual absl::StatusOr<OnnxTensor> Run(const std::string& input_name,
                                         const OnnxTensor& input,
                                         const std::string& output_name) = 0;
};

class OnnxRuntime {
 public:
  // Opens `file`; when that is empty, the file that the environment variable
  // FROSTNAS_ONNX_RUNTIME names; when that is not set, the system's
  // libonnxruntime.so.1 or libonnxruntime.so.
  // NOT_FOUND: nothing to open, naming all that was tried.
  // FAILED_PRECONDITION: no ONNX Runtime, or one older than 1.15.
  static absl::StatusOr<std::unique_ptr<OnnxRuntime>> Load(
      const std::string& file);

  virtual ~OnnxRuntime() = default;

  // "1.22.0".
  virtual const std::string& version() const = 0;

  // `model` is a serialized ModelProto. The session must not outlive this.
  virtual absl::StatusOr<std::unique_ptr<OnnxSession>> Open(
      absl::string_view model, const OnnxSessionOptions& options) = 0;
};

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_ONNX_RUNTIME_H_
