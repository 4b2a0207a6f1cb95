// A library that says it is an ONNX Runtime of long ago.
#include "third_party/onnxruntime/onnxruntime_c_api.h"

namespace {

const OrtApi* ORT_API_CALL NoApi(uint32_t) noexcept { return nullptr; }
const char* ORT_API_CALL Version() noexcept { return "1.4.0"; }
constexpr OrtApiBase kBase = {.GetApi = NoApi, .GetVersionString = Version};

}  // namespace

extern "C" const OrtApiBase* OrtGetApiBase() noexcept { return &kBase; }
