#include "deploy/onnx_runtime.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "deploy/onnx_runtime_library.h"
#include "third_party/onnxruntime/onnxruntime_c_api.h"

namespace frostnas::deploy {
namespace {

// An object of the library with the function that frees it.
template <typename T>
using Owned = std::unique_ptr<T, void(ORT_API_CALL*)(T*)>;

// The functions of a loaded library, with errors as values.
class Api {
 public:
  Api(const OrtApi& api, std::string version)
      : api_(api), version_(std::move(version)) {}

  const OrtApi* operator->() const { return &api_; }
  const std::string& version() const { return version_; }

  // Takes `status`, which is null when all went well.
  absl::Status Check(OrtStatus* status) const {
    if (status == nullptr) return absl::OkStatus();
    const Owned<OrtStatus> owned(status, api_.ReleaseStatus);
    const std::string message = absl::StrCat("ONNX Runtime ", version_, ": ",
                                             api_.GetErrorMessage(status));
    switch (api_.GetErrorCode(status)) {
      case ORT_INVALID_ARGUMENT:
      case ORT_INVALID_GRAPH:
      case ORT_INVALID_PROTOBUF:
      case ORT_NOT_IMPLEMENTED:
        return absl::InvalidArgumentError(message);
      default:
        return absl::InternalError(message);
    }
  }

 private:
  const OrtApi& api_;
  const std::string version_;
};

// Elements of a tensor, or -1 where `shape` is none.
int64_t ElementsOf(const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(elements, dim, &elements)) return -1;
  }
  return elements;
}

absl::StatusOr<OnnxTensor> TensorOf(const Api& api, OrtValue* value) {
  OrtTensorTypeAndShapeInfo* raw = nullptr;
  RETURN_IF_ERROR(api.Check(api->GetTensorTypeAndShape(value, &raw)));
  const Owned<OrtTensorTypeAndShapeInfo> info(
      raw, api->ReleaseTensorTypeAndShapeInfo);
  ONNXTensorElementDataType type;
  RETURN_IF_ERROR(api.Check(api->GetTensorElementType(raw, &type)));
  if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT) {
    return absl::InvalidArgumentError("the model's output is not float32");
  }
  size_t rank = 0;
  RETURN_IF_ERROR(api.Check(api->GetDimensionsCount(raw, &rank)));
  OnnxTensor tensor;
  tensor.shape.resize(rank);
  RETURN_IF_ERROR(
      api.Check(api->GetDimensions(raw, tensor.shape.data(), rank)));
  const int64_t elements = ElementsOf(tensor.shape);
  if (elements < 0) return absl::InternalError("an output without a shape");
  void* data = nullptr;
  RETURN_IF_ERROR(api.Check(api->GetTensorMutableData(value, &data)));
  const float* values = static_cast<const float*>(data);
  tensor.values.assign(values, values + elements);
  return tensor;
}

class LoadedSession final : public OnnxSession {
 public:
  LoadedSession(const Api& api, Owned<OrtMemoryInfo> memory,
                Owned<OrtSession> session)
      : api_(api), memory_(std::move(memory)), session_(std::move(session)) {}

  absl::StatusOr<OnnxTensor> Run(const std::string& input_name,
                                 const OnnxTensor& input,
                                 const std::string& output_name) override {
    if (ElementsOf(input.shape) != static_cast<int64_t>(input.values.size())) {
      return absl::InvalidArgumentError("the input's shape is not its size");
    }
    OrtValue* raw = nullptr;
    // The library reads the buffer only.
    RETURN_IF_ERROR(api_.Check(api_->CreateTensorWithDataAsOrtValue(
        memory_.get(), const_cast<float*>(input.values.data()),
        input.values.size() * sizeof(float), input.shape.data(),
        input.shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &raw)));
    const Owned<OrtValue> value(raw, api_->ReleaseValue);
    const char* input_names[] = {input_name.c_str()};
    const char* output_names[] = {output_name.c_str()};
    const OrtValue* inputs[] = {value.get()};
    OrtValue* result = nullptr;
    RETURN_IF_ERROR(api_.Check(api_->Run(session_.get(), nullptr, input_names,
                                         inputs, 1, output_names, 1, &result)));
    const Owned<OrtValue> output(result, api_->ReleaseValue);
    return TensorOf(api_, output.get());
  }

 private:
  const Api& api_;
  const Owned<OrtMemoryInfo> memory_;
  const Owned<OrtSession> session_;
};

class LoadedRuntime final : public OnnxRuntime {
 public:
  LoadedRuntime(Api api, Owned<OrtEnv> env)
      : api_(std::move(api)), env_(std::move(env)) {}

  const std::string& version() const override { return api_.version(); }

  absl::StatusOr<std::unique_ptr<OnnxSession>> Open(
      absl::string_view model, const OnnxSessionOptions& options) override {
    OrtSessionOptions* raw_options = nullptr;
    RETURN_IF_ERROR(api_.Check(api_->CreateSessionOptions(&raw_options)));
    const Owned<OrtSessionOptions> owned(raw_options,
                                         api_->ReleaseSessionOptions);
    RETURN_IF_ERROR(Apply(options, *raw_options));
    OrtMemoryInfo* raw_memory = nullptr;
    RETURN_IF_ERROR(api_.Check(api_->CreateCpuMemoryInfo(
        OrtArenaAllocator, OrtMemTypeDefault, &raw_memory)));
    Owned<OrtMemoryInfo> memory(raw_memory, api_->ReleaseMemoryInfo);
    OrtSession* raw_session = nullptr;
    RETURN_IF_ERROR(api_.Check(api_->CreateSessionFromArray(
        env_.get(), model.data(), model.size(), raw_options, &raw_session)));
    return std::make_unique<LoadedSession>(
        api_, std::move(memory),
        Owned<OrtSession>(raw_session, api_->ReleaseSession));
  }

 private:
  absl::Status Apply(const OnnxSessionOptions& options,
                     OrtSessionOptions& to) const {
    RETURN_IF_ERROR(
        api_.Check(api_->SetIntraOpNumThreads(&to, options.threads)));
    RETURN_IF_ERROR(api_.Check(api_->SetInterOpNumThreads(&to, 1)));
    // Threads that spin while they wait take cores from the integer executor.
    RETURN_IF_ERROR(api_.Check(api_->AddSessionConfigEntry(
        &to, "session.intra_op.allow_spinning", "0")));
    if (options.optimized_model_file.empty()) return absl::OkStatus();
    return api_.Check(api_->SetOptimizedModelFilePath(
        &to, options.optimized_model_file.c_str()));
  }

  const Api api_;
  const Owned<OrtEnv> env_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<OnnxRuntime>> OnnxRuntime::Load(
    const std::string& file) {
  ASSIGN_OR_RETURN(const OnnxLibrary library, OpenOnnxLibrary(file));
  Api api(*library.api, library.version);
  OrtEnv* env = nullptr;
  RETURN_IF_ERROR(
      api.Check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "frostnas", &env)));
  Owned<OrtEnv> owned(env, api->ReleaseEnv);
  return std::make_unique<LoadedRuntime>(std::move(api), std::move(owned));
}

}  // namespace frostnas::deploy
