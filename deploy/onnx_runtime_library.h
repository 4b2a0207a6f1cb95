// Finding and opening ONNX Runtime's shared library; for onnx_runtime.cc.
#ifndef FROSTNAS_DEPLOY_ONNX_RUNTIME_LIBRARY_H_
#define FROSTNAS_DEPLOY_ONNX_RUNTIME_LIBRARY_H_

#include <string>

#include "absl/status/statusor.h"
#include "third_party/onnxruntime/onnxruntime_c_api.h"

namespace frostnas::deploy {

struct OnnxLibrary {
  const OrtApi* api = nullptr;  // lives as long as the process
  std::string version;
};

// Where it looks, and codes: OnnxRuntime::Load.
absl::StatusOr<OnnxLibrary> OpenOnnxLibrary(const std::string& file);

}  // namespace frostnas::deploy

#endif  // FROSTNAS_DEPLOY_ONNX_RUNTIME_LIBRARY_H_
